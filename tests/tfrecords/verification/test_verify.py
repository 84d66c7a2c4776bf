import json
import shutil

import numpy as np
import pytest

from tests.tfrecords.conftest import as_processes_do
from tests.tfrecords.verification.conftest import (
    SHARD,
    change_manifest,
    only_problem,
    verify,
)
from tfrecords import Statistics


def test_a_good_dataset_is_proved(pristine):
    report = verify(pristine)
    assert report.ok and report.problems == report.notes == []
    assert report.counts == {"train": 12, "validation": 12}
    assert (report.duplicates, report.leaks) == (0, 0)
    assert json.loads(report.to_json())["ok"] is True


@pytest.mark.parametrize(
    "processes",
    [pytest.param("as two do", id="stand-in"), pytest.param(2, marks=pytest.mark.slow)],
)
def test_two_processes_find_the_same(dataset, monkeypatch, processes):
    (dataset / SHARD).write_bytes(b"x" * 100)
    (dataset / "labels.txt").unlink()
    alone = vars(verify(dataset))
    if processes != 2:
        monkeypatch.setattr("tfrecords.verification.verify.run_tasks", as_processes_do)
    assert vars(verify(dataset, processes=2)) == alone


def test_missing_statistics_are_named(dataset):
    (dataset / "statistics.npz").unlink()
    assert "statistics.npz" in only_problem(dataset)


def test_wrong_statistics_are_named(dataset):
    arrays = dict(vars(Statistics.load(dataset)))
    arrays["mean_image"] = arrays["mean_image"] + np.float32(0.001)
    Statistics(**arrays).save(dataset / "statistics.npz")
    problem = only_problem(dataset)
    assert "mean_image not as computed" in problem


def test_a_wrong_histogram_is_named(dataset):
    def change(document):
        document["class_counts"]["validation"] = [5, 7]

    change_manifest(dataset, change)
    assert "says 5 validation records of label 0, found 6" in only_problem(dataset)


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


@pytest.mark.parametrize("name", ["features.json", "dataset_info.json"])
def test_damaged_tfds_metadata_are_named(dataset, name):
    path = dataset / name
    path.write_bytes(path.read_bytes()[:-20])
    assert only_problem(dataset).startswith(f"{name}: damaged")


def test_no_manifest_is_one_problem(tmp_path):
    assert "manifest.json" in only_problem(tmp_path)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda d: d["splits"].update(train=[]), "no training pictures"),
        (lambda d: d.update(image_size=31), "size 32, image_size 31"),
        (lambda d: d["options"].update(size=None), "manifest.json is ill-formed"),
        (lambda d: d["options"].pop("filter"), "Expected the options filter"),
    ],
)
def test_a_manifest_changed_by_hand_is_no_traceback(dataset, change, problem):
    change_manifest(dataset, change)
    report = verify(dataset)
    assert not report.ok and problem in "; ".join(report.problems)


def test_a_wrong_list_of_ignored_files_is_named(dataset):
    (dataset / "ignored.jsonl").write_text('{"file": "x", "reason": "hidden"}\n')
    assert only_problem(dataset).startswith("ignored.jsonl: expected 0 lines")


def test_an_unknown_encoding_is_one_problem(dataset):
    change_manifest(dataset, lambda d: d["options"].update(encoding="bmp"))
    assert "encoding" in only_problem(dataset)
