"""Stopped, killed and crowded builds: the next one ends as if nothing had happened."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import tfrecords
from tests.tfrecords.conftest import bad_pictures
from tfrecords import DatasetError, Manifest
from tfrecords.building import build as build_module
from tfrecords.building import finished_shards, lock
from tfrecords.building import shard as shard_module
from tfrecords.building.space import least_bytes
from tfrecords.dataset.names import BUILDING_FOLDER
from tfrecords.images.options import ImageOptions

OPTIONS = {
    "size": 32,
    "processes": 1,
    "shards": 3,
    "name": "tiny",
    "max_rejected": 0.5,
    "progress": False,
}
SHARDS = 6  # three for each of two splits


def build(source, out, **options):
    return tfrecords.build(source, out, **{**OPTIONS, **options})


def contents(out):
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


def shards(out):
    return sorted(path.name for path in out.glob("tiny-*"))


@pytest.fixture(scope="module")
def whole(odd_tree, tmp_path_factory):
    """The files of a build that nothing disturbed."""
    out = tmp_path_factory.mktemp("whole") / "out"
    build(odd_tree, out)
    return contents(out)


@pytest.fixture
def written(monkeypatch):
    """Names of the shards that are written from now on in this process."""
    names = []
    real = shard_module.open_writer

    def open_writer(path):
        names.append(path.name)
        return real(path)

    monkeypatch.setattr(shard_module, "open_writer", open_writer)
    return names


def slow(*values):
    return pytest.param(*values, marks=pytest.mark.slow)


# Runs a build that kills itself, as `kill -9` would, when a function is called for
# the n-th time: before it (moment 0) or right after it (moment 1).
KILLED = """
import importlib, os, signal, sys
import tfrecords
source, out, module, name, times, moment = sys.argv[1:]
module, times, moment = importlib.import_module(module), int(times), int(moment)
real, seen = getattr(module, name), []

def hooked(*args, **options):
    seen.append(1)
    if len(seen) == times and moment == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    result = real(*args, **options)
    if len(seen) == times and moment == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return result

setattr(module, name, hooked)
tfrecords.build(source, out, **OPTIONS)
"""


def build_until_killed(source, out, module, name, times, moment):
    code = KILLED.replace("OPTIONS", repr(OPTIONS))
    arguments = [source, out, module, name, times, moment]
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize(
    ("module", "name", "times", "moment", "kept"),
    [
        ("tfrecords.images.store", "convert", 10, 0, 1),  # within the second shard
        (
            "tfrecords.building.shard",
            "save_result",
            2,
            0,
            1,
        ),  # a shard without its result
        ("tfrecords.building.build", "finish", 1, 0, 6),  # after the manifest
        # The rest goes another way only for moments.
        slow(
            "tfrecords.building.folder", "write_atomically", 1, 0, 0
        ),  # before the plan
        slow("tfrecords.building.shard", "save_result", 6, 1, 6),  # before the commit
        slow(
            "tfrecords.building.finished_shards", "write_tfds_metadata", 1, 0, 6
        ),  # within the commit
    ],
)
def test_a_killed_build_is_finished_without_writing_shards_again(
    odd_tree, whole, tmp_path, written, module, name, times, moment, kept
):
    out = tmp_path / "out"
    build_until_killed(odd_tree, out, module, name, times, moment)
    before = {name: (out / name).stat().st_ino for name in shards(out)}
    build(odd_tree, out)
    assert contents(out) == whole
    assert len(written) == SHARDS - kept
    same = [name for name in before if (out / name).stat().st_ino == before[name]]
    assert len(same) == kept


@pytest.fixture
def stopped(odd_tree, tmp_path, monkeypatch):
    """A folder in which all shards are finished and nothing is committed."""
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(finished_shards.FinishedShards, "commit", None)
        with pytest.raises(TypeError):
            build(odd_tree, out)
    assert len(shards(out)) == SHARDS and not (out / "manifest.json").exists()
    return out


def results(out):
    return sorted((out / BUILDING_FOLDER).glob("*.npz"))


def test_what_is_finished_is_said_and_counted(odd_tree, stopped, capsys):
    for path in results(stopped)[:2]:
        path.unlink()
    build(odd_tree, stopped, progress=True)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "resuming: 4 of 6 shards are finished"
    assert lines[-1].startswith("build: 36 of 36 pictures")


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-300]),
        lambda path: path.write_bytes(b"not a zip" * 100),
        lambda path: np.savez(path, document=np.zeros(3, np.uint8)),
        lambda path: shutil.copy(results(path.parents[1])[1], path),
    ],
    ids=["empty", "cut", "garbage", "other fields", "of another shard"],
)
def test_a_damaged_result_is_not_trusted(odd_tree, whole, stopped, written, damage):
    damage(results(stopped)[0])
    build(odd_tree, stopped)
    assert len(written) == 1
    assert contents(stopped) == whole


@pytest.mark.parametrize(
    "damage",
    [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:-1])],
    ids=["gone", "shorter"],
)
def test_a_result_without_its_shard_is_not_trusted(
    odd_tree, whole, stopped, written, damage
):
    damage(stopped / shards(stopped)[4])
    build(odd_tree, stopped)
    assert len(written) == 1
    assert contents(stopped) == whole


def test_shards_of_another_picture_library_are_written_again(
    odd_tree, whole, stopped, written, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(
            "tfrecords.building.shard_result.codec_versions", lambda: {"pillow": "9"}
        )
        with monkeypatch.context() as inner:
            inner.setattr(finished_shards.FinishedShards, "commit", None)
            with pytest.raises(TypeError):
                build(odd_tree, stopped)
        assert len(written) == SHARDS
    build(odd_tree, stopped)
    assert len(written) == 2 * SHARDS
    assert contents(stopped) == whole


def test_a_half_written_commit_is_written_again(odd_tree, whole, stopped):
    (stopped / "dataset_info.json").write_text('{"name": "ti')
    (stopped / "features.json").write_text("")
    (stopped / "rejected.jsonl").write_text("{")
    (stopped / ".statistics.npz.tmp").write_bytes(b"x")
    (stopped / BUILDING_FOLDER / f"{shards(stopped)[0]}.0f.tmp").write_bytes(b"x")
    build(odd_tree, stopped)
    assert contents(stopped) == whole


def test_an_unfinished_folder_of_another_plan_is_refused(odd_tree, stopped):
    before = [path.read_bytes() for path in results(stopped)]
    with pytest.raises(DatasetError, match=r"unfinished .*\(seed 0 there, 1 now\)"):
        build(odd_tree, stopped, seed=1)
    assert [path.read_bytes() for path in results(stopped)] == before


def test_a_higher_bound_on_rejections_goes_on(odd_tree, whole, tmp_path, written):
    out = tmp_path / "out"
    bound = (len(bad_pictures()) - 1) / 36
    with pytest.raises(DatasetError, match="--max-rejected"):
        build(odd_tree, out, max_rejected=bound)
    first = len(written)
    with pytest.raises(DatasetError, match="--max-rejected"):
        build(odd_tree, out, max_rejected=bound)
    assert len(written) == first  # it knows without writing anything
    build(odd_tree, out)
    assert len(written) == SHARDS
    found = contents(out)
    assert found == whole


def test_two_builds_do_not_share_a_folder(odd_tree, stopped, whole):
    with lock.build_lock(stopped):
        with pytest.raises(DatasetError, match=rf"process {os.getpid()} on .* writing"):
            build(odd_tree, stopped)
    build(odd_tree, stopped)
    assert contents(stopped) == whole


def test_a_claim_dies_with_its_process(odd_tree, stopped, whole):
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


def test_a_worker_of_an_earlier_build_may_not_write(tmp_path):
    with lock.build_lock(tmp_path) as first:
        with lock.shard_lock(tmp_path, first):
            pass
    with pytest.raises(DatasetError, match="has left"):
        with lock.shard_lock(tmp_path, first):
            pytest.fail("a build that has ended let its worker write")
    with lock.build_lock(tmp_path) as second:
        assert second != first
        with pytest.raises(DatasetError, match="has left"):
            with lock.shard_lock(tmp_path, first):
                pytest.fail("another build let a stranger write")
    shutil.rmtree(tmp_path / BUILDING_FOLDER)
    with pytest.raises(DatasetError, match="has left"):
        with lock.shard_lock(tmp_path, second):
            pytest.fail("a finished build let its worker write")


def test_a_build_waits_for_the_workers_of_an_earlier_one(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "_PATIENCE_SECONDS", 0.0)
    with lock.build_lock(tmp_path) as token:
        pass
    (tmp_path / BUILDING_FOLDER / "token").write_text(
        token
    )  # as a killed build leaves it
    with lock.shard_lock(tmp_path, token):
        with pytest.raises(DatasetError, match="earlier build still write"):
            with lock.build_lock(tmp_path):
                pytest.fail("the worker of an earlier build was passed over")
    with lock.build_lock(tmp_path):
        pass


def usage(free):
    return lambda path: shutil._ntuple_diskusage(10**12, 10**12 - free, free)


@pytest.mark.parametrize(
    ("encoding", "least"), [("raw", 36 * 3 * 32 * 32), ("jpeg-original", 24 * 700)]
)
def test_what_cannot_fit_is_refused(
    odd_tree, tmp_path, monkeypatch, written, encoding, least
):
    out = tmp_path / "out"
    monkeypatch.setattr(shutil, "disk_usage", usage(least - 1))
    with pytest.raises(DatasetError, match="GB free on the disk"):
        build(odd_tree, out, encoding=encoding)
    assert not written and not shards(out)
    monkeypatch.setattr(shutil, "disk_usage", usage(10**9))
    build(odd_tree, out, encoding=encoding)
    assert Manifest.load(out).options["encoding"] == encoding


def test_the_least_estimate_is_below_what_a_build_takes(odd_tree, tmp_path):
    for encoding in ("jpeg", "raw"):
        out = tmp_path / encoding
        manifest = build(odd_tree, out, encoding=encoding)
        taken = sum(s.bytes for part in manifest.splits.values() for s in part)
        plan_shards = _planned(odd_tree, encoding)
        options = ImageOptions(size=32, encoding=encoding)
        least = sum(least_bytes(shard, options) for shard in plan_shards)
        bad = len(bad_pictures()) * 3 * 32 * 32 if encoding == "raw" else 0
        assert 0 < least - bad < taken


def _planned(tree, encoding):
    source = tfrecords.sources.open_source(tree)
    options = ImageOptions(size=32, encoding=encoding)
    return build_module.make_plan(source, name="tiny", seed=0, images=options).shards


def test_finished_shards_need_no_space(odd_tree, whole, stopped, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", usage(0))
    build(odd_tree, stopped)
    assert contents(stopped) == whole


# A worker that kills itself when it is given a certain shard; the file that it leaves
# before says how often it has done so.
SUICIDAL = """
import os, signal, sys
from pathlib import Path
import tfrecords
from tfrecords.building import shard

folder, most = Path(sys.argv[3]), int(sys.argv[4])
real = shard.decode.convert
seen = []

def convert(*args):
    seen.append(1)
    if len(seen) == 3 and len(list(folder.iterdir())) < most:
        (folder / str(os.getpid())).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args)

shard.decode.convert = convert
if __name__ == "__main__":
    tfrecords.build(sys.argv[1], sys.argv[2], **OPTIONS)
"""


def build_with_deaths(source, tmp_path, most):
    script = tmp_path / "suicidal.py"
    options = {**OPTIONS, "processes": 2, "progress": True}
    script.write_text(SUICIDAL.replace("OPTIONS", repr(options)))
    deaths = tmp_path / "deaths"
    deaths.mkdir()
    arguments = [str(source), str(tmp_path / "out"), str(deaths), str(most)]
    done = subprocess.run(
        [sys.executable, str(script), *arguments], capture_output=True, text=True
    )
    return done, len(list(deaths.iterdir()))


def test_a_killed_worker_is_replaced(odd_tree, whole, tmp_path):
    done, deaths = build_with_deaths(odd_tree, tmp_path, 1)
    assert done.returncode == 0, done.stderr
    assert deaths == 1
    assert "A worker died; tiny-" in done.stderr and "begun again" in done.stderr
    assert contents(tmp_path / "out") == whole


def test_a_shard_that_kills_every_worker_is_named(odd_tree, whole, tmp_path):
    done, deaths = build_with_deaths(odd_tree, tmp_path, 1000)
    assert done.returncode == 1
    assert 3 <= deaths <= 5
    message = done.stderr.splitlines()[-1]
    assert "3 worker processes died over tiny-train.tfrecord-0000" in message
    third = _third_pictures(odd_tree)
    assert any(f"at {picture}." in message for picture in third)
    build(odd_tree, tmp_path / "out")
    assert contents(tmp_path / "out") == whole


def _third_pictures(tree):
    source = tfrecords.sources.open_source(tree)
    options = ImageOptions(size=32)
    plan = build_module.make_plan(source, name="tiny", seed=0, images=options, shards=3)
    return [shard.samples[2].key for shard in plan.shards]


@pytest.mark.slow
def test_workers_die_with_their_killed_parent(odd_tree, whole, tmp_path):
    import psutil

    out = tmp_path / "out"
    code = f"import tfrecords; tfrecords.build({str(odd_tree)!r}, {str(out)!r}, **O)"
    options = {**OPTIONS, "processes": 2}
    guarded = f'if __name__ == "__main__":\n    {code.replace("**O", f"**{options!r}")}'
    (tmp_path / "script.py").write_text(guarded)
    parent = subprocess.Popen([sys.executable, str(tmp_path / "script.py")])
    workers = []
    while len(workers) < 2 and parent.poll() is None:
        workers = [
            child
            for child in psutil.Process(parent.pid).children()
            if "spawn_main" in " ".join(child.cmdline())
        ]
        time.sleep(0.01)
    parent.kill()
    parent.wait()
    _, alive = psutil.wait_procs(workers, timeout=60)
    assert len(workers) == 2 and not alive
    build(odd_tree, out)
    assert contents(out) == whole
