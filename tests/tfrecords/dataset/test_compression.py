"""Shards that were compressed: named as such by every reader, with what to do."""

import bz2
import gzip
import json
import lzma
import shutil
import zlib

import pytest
import tensorflow as tf

import tfrecords
from keras_alexnet import cli
from tests import small
from tfrecords import DatasetError, Manifest
from tfrecords.building.shard import describe
from tfrecords.dataset.compression import compression
from tfrecords.verification.statistics_from_shards import compute_statistics

# Names as a shard of others is called; how to make its bytes.
PROGRAMS = {
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": lambda data: b"\x28\xb5\x2f\xfd" + data,
    "lz4": lambda data: b"\x04\x22\x4d\x18" + data,
}


@pytest.fixture(params=PROGRAMS)
def packed(request, dataset, tmp_path):
    """A dataset folder with its first training shard compressed in place."""
    copy = shutil.copytree(dataset, tmp_path / "data")
    shard = sorted(copy.glob("*train*"))[0]
    shard.write_bytes(PROGRAMS[request.param](shard.read_bytes()))
    return copy, shard, f"compressed with {request.param}"


def agree(folder, shard):
    """Make the manifest say of a shard what it is now."""
    path = folder / "manifest.json"
    document = json.loads(path.read_bytes())
    for entry in document["splits"]["train"]:
        if entry["file"] == shard.name:
            entry.update(vars(describe(shard, shard.name, entry["records"])))
    path.write_text(json.dumps(document))


def test_the_manifest_says_so(packed):
    folder, shard, words = packed
    with pytest.raises(DatasetError, match=f"{shard.name}: {words}") as told:
        Manifest.load(folder)
    assert "damaged" not in str(told.value) and "\n" not in str(told.value)


@pytest.mark.parametrize("recorded", [False, True])
def test_verify_says_so(packed, recorded):
    folder, shard, words = packed
    if recorded:
        agree(folder, shard)
    (problem,) = tfrecords.verify(folder, processes=1, progress=False).problems
    assert problem.startswith(shard.name) and words in problem
    assert not {"damaged", "truncated", "checksum"} & set(problem.split())


def test_statistics_of_others_say_so(packed):
    folder, shard, words = packed
    (folder / "manifest.json").unlink()
    with pytest.raises(DatasetError, match=f"{shard.name}.*{words}"):
        compute_statistics(folder, processes=1, progress=False)


def test_a_prepared_dataset_as_a_source_says_so(packed, tmp_path):
    folder, shard, words = packed
    with pytest.raises(DatasetError, match=f"{shard.name} is {words}"):
        tfrecords.build(folder, tmp_path / "out", processes=1, progress=False)


@pytest.mark.parametrize("ending", [".gz", ".zst", ".xz", ".bz2"])
def test_a_shard_that_became_another_file_is_named(dataset, tmp_path, ending):
    copy = shutil.copytree(dataset, tmp_path / "data")
    shard = sorted(copy.glob("*train*"))[0]
    beside = shard.rename(f"{shard}{ending}")
    with pytest.raises(DatasetError, match=f"{beside.name} is there; decompress"):
        Manifest.load(copy)
    (problem,) = tfrecords.verify(copy, processes=1, progress=False).problems
    assert f"{beside.name} is there; decompress" in problem
    shutil.copy(beside, shard)
    (problem,) = tfrecords.verify(copy, processes=1, progress=False).problems
    assert problem == f"{beside.name}: not in the manifest; remove it"


def test_training_says_where_to_look(dataset, tmp_path, capsys):
    copy = shutil.copytree(dataset, tmp_path / "data")
    for shard in copy.glob("*train*"):
        shard.write_bytes(gzip.compress(shard.read_bytes()))
        agree(copy, shard)
    small_run = ["--input-size", str(small.INPUT), "--batch-size", "4"]
    arguments = ["train", str(copy), str(tmp_path / "run"), "--epochs", "1"]
    assert cli.main([*arguments, *small_run]) == 1
    error = capsys.readouterr().err
    assert "compressed" in error and "alexnet verify" in error


@pytest.mark.parametrize("length", [0x8B1F, 0x9C78, 0x5E78])
def test_records_of_unlucky_lengths_are_not_taken_for_it(tmp_path, length):
    """A TFRecord file starts with its first record's length, lowest byte first."""
    path = tmp_path / "shard"
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(b"x" * length)
    assert path.read_bytes()[:2] in (b"\x1f\x8b", b"\x78\x9c", b"\x78\x5e")
    assert compression(path) is None
    assert compression(tmp_path / "nowhere") is None
