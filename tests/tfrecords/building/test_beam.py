import sys

import pytest

import tfrecords
from tfrecords import DatasetError
from tfrecords.building import beam
from tfrecords.building import build as build_module
from tfrecords.building.shard_result import result_path
from tfrecords.dataset.names import BUILDING_FOLDER

OPTIONS = {"size": 32, "shards": 3, "name": "tiny", "max_rejected": 0.5}
DIRECT = {
    "runner": "DirectRunner",
    "beam_options": ["direct_num_workers=2", "direct_running_mode=multi_processing"],
}


def build(source, out, **options):
    return tfrecords.build(source, out, **{"progress": False, **OPTIONS, **options})


def contents(out):
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


@pytest.fixture(scope="module")
def whole(odd_tree, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "out"
    build(odd_tree, out, processes=1)
    return contents(out)


def test_without_beam_it_says_what_to_install(good_tree, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    with pytest.raises(DatasetError, match=r"pip install 'keras-alexnet\[beam\]'"):
        build(good_tree, tmp_path / "out", runner="DirectRunner")


def test_several_beam_workers_write_the_same_bytes(odd_tree, whole, tmp_path):
    pytest.importorskip("apache_beam")
    out = tmp_path / "out"
    build(odd_tree, out, **DIRECT)
    assert contents(out) == whole


def test_beam_finishes_what_the_pool_began(
    odd_tree, whole, tmp_path, monkeypatch, capsys
):
    pytest.importorskip("apache_beam")
    out = tmp_path / "out"

    def two(function, tasks, *_):
        for task in tasks[:2]:
            yield function(task)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(build_module, "run_tasks", two)
        with pytest.raises(KeyboardInterrupt):
            build(odd_tree, out, processes=1)
    first = {path: path.stat().st_ino for path in out.glob("tiny-*")}
    build(odd_tree, out, **DIRECT, progress=True)
    lines = capsys.readouterr().err.splitlines()
    assert "resuming: 2 of 6 shards are finished" in lines
    assert "build: 36 of 36 pictures" in lines[-1]
    assert contents(out) == whole
    assert {path: path.stat().st_ino for path in first} == first


def test_a_failing_pipeline_is_one_clear_line_and_keeps_shards(
    odd_tree, whole, tmp_path, monkeypatch
):
    pytest.importorskip("apache_beam")
    out = tmp_path / "out"
    real = beam._write_task

    def damaged(out, task):
        path = real(out, task)
        if task.planned.file.endswith("validation.tfrecord-00002-of-00003"):
            (out / task.planned.file).mkdir()  # in the way of the shard
        return path

    with monkeypatch.context() as patch:
        patch.setattr(beam, "_write_task", damaged)
        with pytest.raises(DatasetError, match="pipeline failed: .*kept") as caught:
            build(odd_tree, out, runner="DirectRunner")
    assert "\n" not in str(caught.value)
    assert "Cannot write" in str(caught.value)
    (out / "tiny-validation.tfrecord-00002-of-00003").rmdir()
    build(odd_tree, out, processes=1)
    assert contents(out) == whole


def test_too_many_rejected_stop_the_pipeline(odd_tree, tmp_path):
    pytest.importorskip("apache_beam")
    out = tmp_path / "out"
    with pytest.raises(DatasetError, match="--max-rejected"):
        build(odd_tree, out, runner="DirectRunner", max_rejected=0.0)
    assert (out / BUILDING_FOLDER / "token").read_bytes() == b""
    assert "reason" in (out / "rejected.jsonl").read_text()
    assert result_path(out, "tiny-train.tfrecord-00000-of-00003").exists()
