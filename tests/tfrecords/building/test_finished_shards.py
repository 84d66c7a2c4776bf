"""Stopped and killed builds: the next one ends as if nothing had happened."""

import signal
import subprocess
import sys
import time

import pytest

import tfrecords
from tests.tfrecords.building.conftest import (
    ALL_SHARDS,
    OPTIONS,
    build,
    contents,
    results,
    shards,
)
from tests.tfrecords.conftest import bad_pictures
from tests.tools.forked_processes import forked
from tfrecords import DatasetError
from tfrecords.building import build as build_module
from tfrecords.dataset.names import BUILDING_FOLDER
from tfrecords.images.options import ImageOptions
from tfrecords.processes import ProcessDied

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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "name", "times", "moment", "kept"),
    [
        ("tfrecords.images.store", "convert", 10, 0, 1),  # within the second shard
        ("tfrecords.building.shard", "save_result", 2, 0, 1),  # without its result
        ("tfrecords.building.build", "end_build", 1, 0, 6),  # after the manifest
        ("tfrecords.building.folder", "write_atomically", 1, 0, 0),  # before the plan
        ("tfrecords.building.shard", "save_result", 6, 1, 6),  # before the commit
        # Within the commit.
        ("tfrecords.building.finished_shards", "write_tfds_metadata", 1, 0, 6),
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
    assert len(written) == ALL_SHARDS - kept
    same = [name for name in before if (out / name).stat().st_ino == before[name]]
    assert len(same) == kept


def test_what_is_finished_is_said_and_counted(odd_tree, stopped, capsys):
    for path in results(stopped)[:2]:
        path.unlink()
    build(odd_tree, stopped, progress=True)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "resuming: 4 of 6 shards are finished"
    assert lines[-1].startswith("build: 36 of 36 pictures")


def test_a_half_written_commit_is_written_again(odd_tree, whole, stopped):
    (stopped / "dataset_info.json").write_text('{"name": "ti')
    (stopped / "features.json").write_text("")
    (stopped / "rejected.jsonl").write_text("{")
    (stopped / ".statistics.npz.tmp").write_bytes(b"x")
    (stopped / BUILDING_FOLDER / f"{shards(stopped)[0]}.0f.tmp").write_bytes(b"x")
    build(odd_tree, stopped)
    assert contents(stopped) == whole


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
    assert len(written) == ALL_SHARDS
    found = contents(out)
    assert found == whole


# A process that kills itself when it is given a certain shard; the file that it leaves
# before says how often it has done so.
SUICIDAL = """
import os, signal, sys
from pathlib import Path
import tfrecords
from tfrecords.images import store

folder, most = Path(sys.argv[3]), int(sys.argv[4])
real = store.convert
seen = []

def convert(*args):
    seen.append(1)
    if len(seen) == 3 and len(list(folder.iterdir())) < most:
        (folder / str(os.getpid())).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args)

store.convert = convert
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


@pytest.mark.slow
def test_a_killed_process_is_replaced(odd_tree, whole, tmp_path):
    done, deaths = build_with_deaths(odd_tree, tmp_path, 1)
    assert done.returncode == 0, done.stderr
    assert deaths == 1
    assert "A worker died; tiny-" in done.stderr and "begun again" in done.stderr
    assert contents(tmp_path / "out") == whole


@pytest.mark.slow
def test_a_shard_that_kills_every_process_is_named(odd_tree, whole, tmp_path):
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


def test_pictures_that_killed_every_process_are_named(odd_tree, tmp_path, monkeypatch):
    def dying(function, tasks, processes, watch, died):
        watch(1)
        died(tasks[0])
        raise ProcessDied(tasks[0], (2, 2, 99))
        yield

    monkeypatch.setattr(build_module, "run_tasks", dying)
    with pytest.raises(DatasetError, match="^3 worker processes died over") as caught:
        build(odd_tree, tmp_path / "out")
    message = str(caught.value)
    assert "tiny-train.tfrecord-00000-of-00003" in message and "\n" not in message
    assert _third_pictures(odd_tree)[0] in message


@pytest.mark.slow
def test_processes_die_with_their_killed_parent(odd_tree, whole, tmp_path):
    import psutil

    out = tmp_path / "out"
    code = f"import tfrecords; tfrecords.build({str(odd_tree)!r}, {str(out)!r}, **O)"
    options = {**OPTIONS, "processes": 2}
    guarded = f'if __name__ == "__main__":\n    {code.replace("**O", f"**{options!r}")}'
    (tmp_path / "script.py").write_text(guarded)
    parent = subprocess.Popen([sys.executable, str(tmp_path / "script.py")])
    workers = []
    while len(workers) < 2 and parent.poll() is None:
        workers = forked(psutil.Process(parent.pid))
        time.sleep(0.01)
    parent.kill()
    parent.wait()
    _, alive = psutil.wait_procs(workers, timeout=60)
    assert len(workers) == 2 and not alive
    build(odd_tree, out)
    assert contents(out) == whole
