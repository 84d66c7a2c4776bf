import json
import shutil

import numpy as np
import pytest
import tensorflow as tf

import tfrecords
from tests.tfrecords.conftest import write_tree
from tfrecords import Manifest, Statistics, schema
from tfrecords.shard import describe

OPTIONS = {"size": 32, "processes": 1, "shards": 2, "name": "tiny", "progress": False}
SHARD = "tiny-train.tfrecord-00001-of-00002"


@pytest.fixture(scope="module")
def pristine(good_tree, tmp_path_factory):
    out = tmp_path_factory.mktemp("pristine") / "tiny"
    tfrecords.build(good_tree, out, **OPTIONS)
    return out


@pytest.fixture
def dataset(pristine, tmp_path):
    return shutil.copytree(pristine, tmp_path / "tiny")


def verify(directory, processes=1):
    return tfrecords.verify(directory, processes=processes, progress=False)


def only_problem(directory):
    report = verify(directory)
    assert not report.ok
    assert len(report.problems) == 1, report.problems
    assert "\n" not in report.problems[0]
    return report.problems[0]


def change_manifest(directory, change):
    path = directory / "manifest.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def rewrite(directory, change, file=SHARD):
    """Replace a shard's records and make the manifest agree about its bytes."""
    path = directory / file
    examples = [
        tf.train.Example.FromString(serialised)
        for serialised in tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    ]
    change(examples)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for example in examples:
            writer.write(example.SerializeToString())
    found = describe(path, file, len(examples))

    def agree(document):
        for shards in document["splits"].values():
            shards[:] = [vars(found) if s["file"] == file else s for s in shards]

    change_manifest(directory, agree)


def test_a_good_dataset_is_proved(pristine):
    report = verify(pristine)
    assert report.ok and report.problems == report.notes == []
    assert report.counts == {"train": 12, "validation": 12}
    assert (report.duplicates, report.leaks) == (0, 0)
    assert json.loads(report.to_json())["ok"] is True


def test_two_processes_find_the_same(dataset):
    (dataset / SHARD).write_bytes(b"x" * 100)
    (dataset / "labels.txt").unlink()
    assert vars(verify(dataset, processes=2)) == vars(verify(dataset))


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
    manifest = (dataset / "manifest.json").read_bytes()

    def swap(examples):
        examples.reverse()

    rewrite(dataset, swap)
    (dataset / "manifest.json").write_bytes(manifest)
    assert "was replaced" in only_problem(dataset)


def test_a_missing_shard_is_named(dataset):
    (dataset / SHARD).unlink()
    assert only_problem(dataset).startswith(f"{SHARD}: cannot be read")


def test_missing_statistics_are_named(dataset):
    (dataset / "statistics.npz").unlink()
    assert "statistics.npz" in only_problem(dataset)


def test_wrong_statistics_are_named(dataset):
    arrays = dict(vars(Statistics.load(dataset)))
    arrays["mean_image"] = arrays["mean_image"] + np.float32(0.001)
    Statistics(**arrays).save(dataset / "statistics.npz")
    problem = only_problem(dataset)
    assert "mean_image not as computed" in problem


def test_a_wrong_record_count_is_named(dataset):
    def change(document):
        document["splits"]["train"][1]["records"] += 1

    change_manifest(dataset, change)
    assert only_problem(dataset) == f"{SHARD}: 6 records, the manifest says 7"


def test_a_wrong_histogram_is_named(dataset):
    def change(document):
        document["class_counts"]["validation"] = [5, 7]

    change_manifest(dataset, change)
    assert "says 5 validation records of label 0, found 6" in only_problem(dataset)


def test_a_label_out_of_range_is_named(dataset):
    def change(examples):
        examples[2].features.feature[schema.LABEL].int64_list.value[0] = 2

    rewrite(dataset, change)
    assert only_problem(dataset) == f"{SHARD}: record 2: label 2 is outside 0..1"


def test_a_label_that_contradicts_its_class_name_is_named(dataset):
    def change(examples):
        label = examples[0].features.feature[schema.LABEL].int64_list
        label.value[0] = 1 - label.value[0]

    rewrite(dataset, change)
    assert "record 0: label" in only_problem(dataset)


@pytest.mark.parametrize("kind", ["cut", "size", "key"])
def test_a_bad_picture_is_named(dataset, kind):
    def change(examples):
        feature = examples[3].features.feature
        picture = feature[schema.ENCODED].bytes_list
        if kind == "cut":
            picture.value[0] = picture.value[0][:200]
        elif kind == "size":
            feature[schema.HEIGHT].int64_list.value[0] = 31
        else:
            del feature[schema.ENCODED]

    rewrite(dataset, change)
    assert only_problem(dataset).startswith(f"{SHARD}: record 3: ")


def test_labels_that_differ_from_the_manifest_are_named(dataset):
    (dataset / "labels.txt").write_text("n01440764\ncat\n")
    assert only_problem(dataset).startswith("labels.txt: expected the 2 names")


@pytest.mark.parametrize("text", ["{}\n", '{"reason": "empty"}\n', "no json\n"])
def test_a_wrong_rejection_list_is_named(dataset, text):
    (dataset / "rejected.jsonl").write_text(text)
    assert only_problem(dataset).startswith("rejected.jsonl: ")


def test_a_stray_shard_is_named(dataset):
    shutil.copy(dataset / SHARD, dataset / "tiny-train.tfrecord-00002-of-00003")
    assert "00002-of-00003: not in the manifest" in only_problem(dataset)


def test_missing_tfds_metadata_are_named(dataset):
    (dataset / "features.json").unlink()
    assert only_problem(dataset).startswith("features.json: missing")


def test_no_manifest_is_one_problem(tmp_path):
    assert "manifest.json" in only_problem(tmp_path)


def test_repeated_and_leaking_pictures_are_reported(tmp_path):
    root = write_tree(tmp_path / "in")
    cat = root / "train" / "cat"
    shutil.copy(cat / "0.JPEG", cat / "again.JPEG")
    shutil.copy(cat / "1.JPEG", root / "val" / "n01440764" / "leak.JPEG")
    tfrecords.build(root, tmp_path / "out", **OPTIONS)
    report = verify(tmp_path / "out")
    assert report.ok
    assert (report.duplicates, report.leaks) == (1, 1)
    notes = "\n".join(report.notes)
    assert "train:train/cat/0.JPEG = train:train/cat/again.JPEG" in notes
    assert "train:train/cat/1.JPEG = validation:val/n01440764/leak.JPEG" in notes
    assert Manifest.load(tmp_path / "out").count("train") == 13
