import shutil

import pytest

import tfrecords
from tests.tfrecords.verification.conftest import (
    OPTIONS,
    SHARD,
    change_manifest,
    only_problem,
    rewrite,
)
from tfrecords.dataset import example


def test_a_truncated_shard_is_named(dataset):
    path = dataset / SHARD
    path.write_bytes(path.read_bytes()[:-10])
    assert only_problem(dataset).startswith(f"{SHARD}: truncated")


def test_a_flipped_bit_is_found_and_its_record_named(dataset):
    path = dataset / SHARD
    data = bytearray(path.read_bytes())
    first = int.from_bytes(data[:8], "little") + 16  # length, 2 checksums, record
    data[first + 100] ^= 1
    path.write_bytes(data)
    problem = only_problem(dataset)
    assert problem.startswith(f"{SHARD}: SHA-256 differs")
    assert "record 1 is damaged" in problem


def test_a_replaced_shard_is_found(dataset):
    shutil.copy(dataset / SHARD, dataset / "kept")
    kept = [dataset / "manifest.json", dataset / "offsets.npz"]
    before = [path.read_bytes() for path in kept]

    def swap(examples):
        examples.reverse()

    rewrite(dataset, swap)
    for path, content in zip(kept, before, strict=True):
        path.write_bytes(content)
    assert "was replaced" in only_problem(dataset)


def test_a_missing_shard_is_named(dataset):
    (dataset / SHARD).unlink()
    assert only_problem(dataset).startswith(f"{SHARD}: cannot be read")


def test_a_wrong_record_count_is_named(dataset):
    def change(document):
        document["splits"]["train"][1]["records"] += 1

    change_manifest(dataset, change)
    assert only_problem(dataset) == f"{SHARD}: 6 records, the manifest says 7"


def test_a_label_out_of_range_is_named(dataset):
    def change(examples):
        examples[2].features.feature[example.LABEL].int64_list.value[0] = 2

    rewrite(dataset, change)
    assert only_problem(dataset) == f"{SHARD}: record 2: label 2 is outside 0..1"


def test_a_label_that_contradicts_its_class_name_is_named(dataset):
    def change(examples):
        label = examples[0].features.feature[example.LABEL].int64_list
        label.value[0] = 1 - label.value[0]

    rewrite(dataset, change)
    assert "record 0: label" in only_problem(dataset)


@pytest.mark.parametrize("kind", ["cut", "size", "key"])
def test_a_bad_picture_is_named(dataset, kind):
    def change(examples):
        feature = examples[3].features.feature
        picture = feature[example.ENCODED].bytes_list
        if kind == "cut":
            picture.value[0] = picture.value[0][:200]
        elif kind == "size":
            feature[example.HEIGHT].int64_list.value[0] = 31
        else:
            del feature[example.ENCODED]

    rewrite(dataset, change)
    assert only_problem(dataset).startswith(f"{SHARD}: record 3: ")


@pytest.mark.parametrize(
    ("encoding", "change", "problem"),
    [
        ("raw", lambda data: data[:-1], "wrong_size: 3,071 bytes"),
        ("jpeg-original", lambda data: data[: len(data) // 2], "truncated"),
        ("jpeg", lambda data: data[2:], "unknown_format"),
    ],
)
def test_each_encoding_is_checked(good_tree, tmp_path, encoding, change, problem):
    out = tmp_path / "tiny"
    tfrecords.build(good_tree, out, encoding=encoding, **OPTIONS)

    def damage(examples):
        values = examples[2].features.feature[example.ENCODED].bytes_list.value
        values[0] = change(values[0])

    rewrite(out, damage)
    assert only_problem(out).startswith(f"{SHARD}: record 2: {problem}")


@pytest.mark.parametrize(
    ("key", "wrong"), [(example.HEIGHT, 9), (example.FORMAT, b"RAW")]
)
def test_a_wrong_description_of_an_original_is_named(good_tree, tmp_path, key, wrong):
    out = tmp_path / "tiny"
    tfrecords.build(good_tree, out, encoding="jpeg-original", **OPTIONS)

    def change(examples):
        feature = examples[1].features.feature[key]
        values = feature.int64_list.value or feature.bytes_list.value
        values[0] = wrong

    rewrite(out, change)
    assert "record 1: expected" in only_problem(out)
