import hashlib
import json
import shutil
import struct

import numpy as np
import pytest

from tests import small
from tfrecords import DatasetError, Manifest
from tfrecords.dataset.offsets import Offsets
from tfrecords.verification.shard_check import serialised_records


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return small.build_dataset(tmp_path_factory.mktemp("offsets"))


@pytest.fixture
def folder(built, tmp_path):
    return shutil.copytree(built, tmp_path / "copy")


def same(one, other):
    return all(
        np.array_equal(getattr(one, kind)[split], getattr(other, kind)[split])
        for kind in ("offsets", "lengths")
        for split in one.offsets
    )


def test_each_record_lies_where_it_is_said(folder):
    manifest = Manifest.load(folder)
    found = Offsets.load(folder, manifest)
    for split, shards in manifest.splits.items():
        assert found.offsets[split].dtype == np.int64
        assert found.lengths[split].dtype == np.uint32
        places = iter(zip(found.offsets[split], found.lengths[split], strict=True))
        for shard in shards:
            content = (folder / shard.file).read_bytes()
            for record in serialised_records(folder / shard.file):
                offset, length = map(int, next(places))
                (size,) = struct.unpack_from("<Q", content, offset)
                assert (size, length) == (len(record), len(record) + 16)
                assert content[offset + 12 :].startswith(record)
        assert next(places, None) is None


def test_the_build_writes_what_the_shards_give_and_its_digest(folder):
    manifest = Manifest.load(folder)
    assert same(Offsets.scan(folder, manifest), Offsets.load(folder, manifest))
    digest = hashlib.sha256((folder / "offsets.npz").read_bytes()).hexdigest()
    assert manifest.sha256 == {"offsets.npz": digest}


def without(folder):
    """A dataset of a release that did not write them."""
    (folder / "offsets.npz").unlink()
    path = folder / "manifest.json"
    document = json.loads(path.read_text())
    del document["sha256"]
    path.write_text(json.dumps(document))
    return Manifest.load(folder)


def test_those_of_an_older_dataset_are_made_once_with_the_same_bytes(folder, capsys):
    before = (folder / "offsets.npz").read_bytes()
    manifest = without(folder)
    assert manifest.sha256 == {}
    first = Offsets.find(folder, manifest)
    assert "offsets.npz is made" in capsys.readouterr().err
    assert (folder / "offsets.npz").read_bytes() == before
    assert same(Offsets.find(folder, manifest), first)
    assert capsys.readouterr() == ("", "")


def test_where_they_cannot_be_kept_it_is_said(folder, capsys, monkeypatch):
    def refuse(self, directory):
        raise PermissionError(13, "Permission denied")

    manifest = without(folder)
    monkeypatch.setattr(Offsets, "save", refuse)
    found = Offsets.find(folder, manifest)
    assert "cannot be kept (Permission denied)" in capsys.readouterr().err
    assert same(found, Offsets.scan(folder, manifest))


def change(folder, **arrays):
    path = folder / "offsets.npz"
    with np.load(path) as stored:
        kept = dict(stored)
    np.savez(path, **{**kept, **arrays})


@pytest.mark.parametrize(
    "arrays",
    [
        {"train/offset": np.zeros(36, np.int64)},
        {"train/length": np.zeros(36, np.uint32)},
        {"train/length": np.zeros(36, np.int64)},
        {"train/offset": np.zeros(3, np.int64)},
        {"train/offset": np.zeros((), np.int64)},
    ],
    ids=["offsets", "lengths", "dtype", "records", "shape"],
)
def test_those_of_other_shards_are_made_again(folder, arrays, capsys):
    before = (folder / "offsets.npz").read_bytes()
    change(folder, **arrays)
    with pytest.raises(DatasetError, match="not of these shards of train"):
        Offsets.load(folder, Manifest.load(folder))
    Offsets.find(folder, Manifest.load(folder))
    assert "not of these shards of train). It is made again" in capsys.readouterr().err
    assert (folder / "offsets.npz").read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"text"])
def test_a_damaged_file_is_made_again(folder, content, capsys):
    before = (folder / "offsets.npz").read_bytes()
    (folder / "offsets.npz").write_bytes(content)
    Offsets.find(folder, Manifest.load(folder))
    assert "offsets.npz is damaged" in capsys.readouterr().err
    assert (folder / "offsets.npz").read_bytes() == before


@pytest.mark.parametrize("length", [0, 2**63, 40])
def test_shards_whose_records_do_not_add_up_are_named(folder, length):
    manifest = without(folder)
    shard = manifest.splits["train"][1].file
    content = bytearray((folder / shard).read_bytes())
    content[:8] = struct.pack("<Q", length)
    (folder / shard).write_bytes(content)
    with pytest.raises(DatasetError, match=rf"{shard}.*alexnet verify"):
        Offsets.find(folder, manifest)
    assert not (folder / "offsets.npz").exists()
