import os
import shutil
import subprocess
import sys

import pytest

from tests.tfrecords.building.conftest import build, contents
from tfrecords import DatasetError
from tfrecords.building import lock
from tfrecords.dataset.names import BUILDING_FOLDER


def test_two_builds_do_not_share_a_folder(odd_tree, stopped, whole):
    with lock.build_lock(stopped):
        with pytest.raises(DatasetError, match=rf"process {os.getpid()} on .* writing"):
            build(odd_tree, stopped)
    build(odd_tree, stopped)
    assert contents(stopped) == whole


def test_a_lock_dies_with_its_process(odd_tree, stopped, whole):
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from tfrecords.building.lock import build_lock\n"
        "with build_lock(Path(sys.argv[1])):\n  print('held', flush=True)\n  input()"
    )
    command = [sys.executable, "-c", code, str(stopped)]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(DatasetError, match=rf"process {holder.pid} on .* writing"):
        build(odd_tree, stopped)
    holder.kill()
    holder.communicate()
    build(odd_tree, stopped)
    assert contents(stopped) == whole


def test_a_process_of_an_earlier_build_may_not_write(tmp_path):
    with lock.build_lock(tmp_path) as first:
        with lock.shard_lock(tmp_path, first):
            pass
    with pytest.raises(DatasetError, match="has left"):
        with lock.shard_lock(tmp_path, first):
            pytest.fail("a build that has ended let its process write")
    with lock.build_lock(tmp_path) as second:
        assert second != first
        with pytest.raises(DatasetError, match="has left"):
            with lock.shard_lock(tmp_path, first):
                pytest.fail("another build let a stranger write")
    shutil.rmtree(tmp_path / BUILDING_FOLDER)
    with pytest.raises(DatasetError, match="has left"):
        with lock.shard_lock(tmp_path, second):
            pytest.fail("a finished build let its process write")


def test_a_build_waits_for_the_processes_of_an_earlier_one(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "_PATIENCE_SECONDS", 0.0)
    with lock.build_lock(tmp_path) as token:
        pass
    path = tmp_path / BUILDING_FOLDER / "token"
    path.write_text(token)  # as a killed build leaves it
    with lock.shard_lock(tmp_path, token):
        with pytest.raises(DatasetError, match="earlier build still write"):
            with lock.build_lock(tmp_path):
                pytest.fail("the process of an earlier build was passed over")
    with lock.build_lock(tmp_path):
        pass
