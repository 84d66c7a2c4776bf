import errno
import os

import pytest

import tfrecords
from tests.tfrecords.building.conftest import build
from tfrecords import DatasetError
from tfrecords.building import shard


class _FullDisk:
    """Writes some bytes, then finds the disk full."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def write(self, example):
        with open(self.path, "ab") as file:
            file.write(example[:9])
        if os.path.getsize(self.path) > 20:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_one_clear_line_and_leaves_no_half_file(
    good_tree, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    real = shard.open_writer
    full = "tiny-train.tfrecord-00001"
    monkeypatch.setattr(
        shard, "open_writer", lambda p: (_FullDisk if full in str(p) else real)(p)
    )
    with pytest.raises(DatasetError, match="No space left") as caught:
        build(good_tree, out)
    assert "\n" not in str(caught.value)
    left = {path.name for path in out.iterdir()}
    assert left == {".building", "tiny-train.tfrecord-00000-of-00003"}
    monkeypatch.undo()
    build(good_tree, out)
    assert tfrecords.verify(out, processes=1, progress=False).ok


def test_tensorflows_full_disk_is_an_os_error():
    with pytest.raises(OSError, match="space") as caught:
        with shard.open_writer("/dev/full") as writer:
            writer.write(bytes(1_000_000))
    assert caught.value.errno == errno.ENOSPC
