import dataclasses
import json
import shutil

import numpy as np
import pytest
import tensorflow as tf

import tfrecords
from keras_alexnet.commands import verify as command
from tests.tfrecords.conftest import write_tree
from tfrecords import Manifest, Statistics
from tfrecords.building.shard import describe
from tfrecords.dataset import example
from tfrecords.verification.duplicates import find_duplicates
from tfrecords.verification.shard_check import Finding

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


@pytest.fixture(scope="module")
def leaking(tmp_path_factory):
    """A picture three times in one split, and one in both under two labels."""
    root = write_tree(tmp_path_factory.mktemp("in") / "tree")
    cat, other = root / "train" / "cat", root / "val" / "n01440764"
    for name in ("again.JPEG", "once more.JPEG"):
        shutil.copy(cat / "0.JPEG", cat / name)
    shutil.copy(cat / "1.JPEG", other / "leak.JPEG")
    out = tmp_path_factory.mktemp("out") / "tiny"
    tfrecords.build(root, out, **OPTIONS)
    return out


def test_splits_are_counted(leaking):
    report = verify(leaking)
    train, validation = report.splits["train"], report.splits["validation"]
    assert (train.shards, train.records, train.classes) == (2, 14, 2)
    assert train.class_counts == (8, 6) and validation.class_counts == (6, 7)
    assert (train.duplicates, train.leaks) == (2, 1)
    assert (validation.duplicates, validation.leaks) == (0, 1)
    files = leaking.glob("tiny-train*")
    assert train.bytes == sum(path.stat().st_size for path in files)
    document = json.loads(report.to_json())
    assert document["splits"]["train"]["class_counts"] == [8, 6]
    assert (document["duplicates"], document["leaks"]) == (2, 1)


def test_leaks_are_problems_if_asked(leaking):
    assert verify(leaking).ok
    report = tfrecords.verify(leaking, processes=1, progress=False, fail_on_leaks=True)
    assert not report.ok and len(report.problems) == 1
    assert "1 pictures are in more than one split" in report.problems[0]
    assert report.notes and "leak.JPEG" not in "".join(report.notes)


def test_the_command_prints_a_table_and_its_status(leaking, tmp_path, capsys):
    arguments = [str(leaking), "--processes", "1", "--json", str(tmp_path / "r.json")]
    assert command.main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    row = next(line for line in lines if "train" in line and "14" in line)
    assert "6-8" in row
    assert json.loads((tmp_path / "r.json").read_text())["ok"] is True
    assert command.main([*arguments, "--fail-on-leaks"]) == 1
    assert "more than one split" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("leaks", "repeats", "verdict"),
    [
        (0, 0, "all is well"),
        (1000, 0, "no damage, but 1,000 pictures are in more than one split"),
        (0, 2, "no damage, but 2 pictures repeat another of their split"),
        (
            *(3, 2),
            "no damage, but 3 pictures are in more than one split and 2 pictures "
            "repeat another of their split",
        ),
    ],
)
def test_the_last_line_does_not_contradict_the_notes(
    pristine, monkeypatch, capsys, leaks, repeats, verdict
):
    report = verify(pristine)
    report.leaks = leaks
    train = dataclasses.replace(report.splits["train"], duplicates=repeats)
    report.splits["train"] = train
    monkeypatch.setattr(tfrecords, "verify", lambda *_, **__: report)
    assert command.main([str(pristine)]) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    assert line == f"{pristine}: 12 train, 12 validation; {verdict}."


def test_the_last_line_names_leaks(leaking, capsys):
    arguments = [str(leaking), "--processes", "1"]
    assert command.main(arguments) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    assert "1 pictures are in more than one split" in line and "well" not in line
    assert command.main([*arguments, "--fail-on-leaks"]) == 1
    assert capsys.readouterr().out.endswith("; 1 problems.\n")


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


def test_digests_of_many_shards_are_compared_like_sets():
    generator = np.random.default_rng(7)
    contents = generator.integers(0, 400, 900)
    findings, groups = [], {}
    for shard, part in enumerate(np.split(contents, [100, 350, 600])):
        split = "train" if shard < 2 else "validation"
        # Equal first halves, different second ones, must not count as equal.
        digests = np.stack([part // 2, part], axis=1).astype(np.uint64)
        records = np.arange(len(part), dtype=np.uint32)
        finding = Finding(split, str(shard), np.zeros(1), None, None, digests, records)
        findings.append(finding)
        for content in part.tolist():
            groups.setdefault(content, []).append(split)
    found = find_duplicates(findings, ("train", "validation"))
    for split in ("train", "validation"):
        times = [group.count(split) for group in groups.values()]
        assert found.within[split] == sum(n - 1 for n in times if n)
    leaking = [group for group in groups.values() if len(set(group)) == 2]
    assert found.leaks == len(leaking) > 10
    assert found.across["train"] == sum(group.count("train") for group in leaking)
    for first, second in found.leaked_examples:
        assert (findings[first.shard].split, findings[second.shard].split) == (
            "train",
            "validation",
        )
        values = [findings[p.shard].digests[p.record, 1] for p in (first, second)]
        assert values[0] == values[1]


def test_a_wrong_list_of_ignored_files_is_named(dataset):
    (dataset / "ignored.jsonl").write_text('{"file": "x", "reason": "hidden"}\n')
    assert only_problem(dataset).startswith("ignored.jsonl: expected 0 lines")


def test_an_unknown_encoding_is_one_problem(dataset):
    change_manifest(dataset, lambda d: d["options"].update(encoding="bmp"))
    assert "encoding" in only_problem(dataset)


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
