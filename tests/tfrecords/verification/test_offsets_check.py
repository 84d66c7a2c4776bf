import numpy as np
import pytest

from tests.tfrecords.verification.conftest import (
    SHARD,
    change_manifest,
    only_problem,
    verify,
)


def forget(document):
    del document["sha256"]


def test_a_dataset_of_before_has_none_and_one_that_lost_them_is_wrong(dataset):
    (dataset / "offsets.npz").unlink()
    assert only_problem(dataset) == "offsets.npz: missing"
    change_manifest(dataset, forget)
    assert verify(dataset).ok


def change(dataset):
    path = dataset / "offsets.npz"
    with np.load(path) as stored:
        arrays = dict(stored)
    lengths = arrays["train/length"]
    lengths[0] += 1
    lengths[1] -= 1
    arrays["train/offset"][1] += 1
    np.savez(path, **arrays)


def test_others_than_those_of_the_manifest_are_named(dataset):
    change(dataset)
    assert "offsets.npz: SHA-256 differs" in only_problem(dataset)


def test_others_than_those_of_the_shards_are_named(dataset):
    change(dataset)
    change_manifest(dataset, forget)
    assert "not as in the shards of train" in only_problem(dataset)


@pytest.mark.parametrize("content", [b"", b"text"])
def test_a_file_that_cannot_be_read_is_named(dataset, content):
    (dataset / "offsets.npz").write_bytes(content)
    change_manifest(dataset, forget)
    assert "offsets.npz is damaged" in only_problem(dataset)


def test_a_folder_in_its_place_is_named(dataset):
    (dataset / "offsets.npz").unlink()
    (dataset / "offsets.npz").mkdir()
    assert "offsets.npz: cannot be read: Is a directory" in only_problem(dataset)


def test_a_damaged_shard_is_named_alone(dataset):
    content = bytearray((dataset / SHARD).read_bytes())
    content[len(content) // 2] ^= 1
    (dataset / SHARD).write_bytes(content)
    assert SHARD in only_problem(dataset)
