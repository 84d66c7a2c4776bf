"""Whole and unfinished builds of the odd tree."""

import pytest

import tfrecords
from tfrecords.building import finished_shards
from tfrecords.building import shard as shard_module
from tfrecords.dataset.names import BUILDING_FOLDER

OPTIONS = {
    "size": 32,
    "processes": 1,
    "shards": 3,
    "name": "tiny",
    "max_rejected": 0.5,
    "progress": False,
}
ALL_SHARDS = 6  # three for each of two splits


def build(source, out, **options):
    """Build with few options; others replace them."""
    return tfrecords.build(source, out, **{**OPTIONS, **options})


def contents(out):
    """Return the bytes of every file by its name."""
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


def shards(out):
    """Return the names of the finished shards."""
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


@pytest.fixture
def stopped(odd_tree, tmp_path, monkeypatch):
    """A folder in which all shards are finished and nothing is committed."""
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(finished_shards.FinishedShards, "commit", None)
        with pytest.raises(TypeError):
            build(odd_tree, out)
    assert len(shards(out)) == ALL_SHARDS and not (out / "manifest.json").exists()
    return out


def results(out):
    """Return the files that keep what came of the shards."""
    return sorted((out / BUILDING_FOLDER).glob("*.npz"))
