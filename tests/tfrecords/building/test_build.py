import json
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf

import tfrecords
from tests.reference import relative, rounding_bound
from tests.tfrecords.conftest import (
    GOOD_PER_CLASS,
    bad_pictures,
    odd_pictures,
)
from tfrecords import DatasetError, Manifest, Statistics
from tfrecords.building import shard
from tfrecords.dataset.example import decode_example
from tfrecords.images import decode, store

OPTIONS = {"size": 32, "processes": 1, "shards": 2, "name": "tiny", "progress": False}


def build(source, out, **options):
    return tfrecords.build(source, out, **{**OPTIONS, **options})


@pytest.fixture(scope="module")
def built(odd_tree, tmp_path_factory):
    out = tmp_path_factory.mktemp("built") / "tiny"
    return out, build(odd_tree, out, max_rejected=0.5)


def contents(out):
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


def records(out, split):
    manifest = Manifest.load(out)
    paths = [str(out / shard.file) for shard in manifest.splits[split]]
    return [
        decode_example(serialised)
        for serialised in tf.data.TFRecordDataset(paths).as_numpy_iterator()
    ]


def test_the_folder_holds_what_the_architecture_says(built):
    out, _ = built
    assert {path.name for path in out.iterdir()} == {
        *(f"tiny-{s}.tfrecord-0000{i}-of-00002" for s in SPLITS for i in (0, 1)),
        *("manifest.json", "labels.txt", "statistics.npz", "rejected.jsonl"),
        *("ignored.jsonl", "offsets.npz"),
        *("dataset_info.json", "features.json", "image.class.label.labels.txt"),
    }
    assert (out / "labels.txt").read_text() == "cat\nn01440764\n"


SPLITS = ("train", "validation")


def test_every_picture_is_stored_once_with_its_class(built):
    out, manifest = built
    for split, extra in [("train", len(odd_pictures())), ("validation", 0)]:
        found = records(out, split)
        assert len(found) == manifest.count(split) == 2 * GOOD_PER_CLASS + extra
        assert len({record.filename for record in found}) == len(found)
        for record in found:
            assert record.text == record.filename.split("/")[1]
            assert record.text == manifest.labels[record.label]
            assert record.synset == ("" if record.text == "cat" else record.text)
            assert decode.decode(record.encoded).shape == (32, 32, 3)
        counts = Counter(record.label for record in found)
        assert manifest.class_counts[split] == (counts[0], counts[1])


def test_rejected_pictures_are_named_with_reason(built):
    out, manifest = built
    lines = [json.loads(x) for x in (out / "rejected.jsonl").read_text().splitlines()]
    expected = {f"train/cat/{n}": reason for n, (_, reason) in bad_pictures().items()}
    assert {line["file"]: line["reason"] for line in lines} == expected
    assert [line["file"] for line in lines] == sorted(expected)
    assert all(line["split"] == "train" and line["class"] == "cat" for line in lines)
    assert all(line["detail"] for line in lines)
    assert manifest.rejected == len(expected)


def test_ignored_files_are_named_with_reason(built):
    out, manifest = built
    lines = [json.loads(x) for x in (out / "ignored.jsonl").read_text().splitlines()]
    names = sorted([".DS_Store", "._0.JPEG", "Thumbs.db", "desktop.ini"])
    assert [line["file"] for line in lines] == [f"train/cat/{name}" for name in names]
    assert all(line["reason"] for line in lines)
    assert manifest.ignored == len(lines)


def test_statistics_are_those_of_the_stored_training_pictures(built):
    out, _ = built
    pictures = [decode.decode(record.encoded) for record in records(out, "train")]
    pixels = np.stack(pictures).astype(np.float64)
    found = Statistics.load(out)
    assert found.count == len(pictures)
    assert relative(found.mean_image, pixels.mean(0)) < rounding_bound("float32")
    covariance = np.cov(pixels.reshape(-1, 3).T, bias=True)
    limit = rounding_bound("float64", pixels.size // 3)
    assert relative(found.covariance, covariance) < limit


def test_the_bytes_depend_on_neither_run_nor_processes(built, odd_tree, tmp_path):
    out, _ = built
    for processes in (1, 2):
        again = tmp_path / str(processes)
        build(odd_tree, again, processes=processes, max_rejected=0.5)
        assert contents(again) == contents(out)


def test_another_seed_gives_another_order(good_tree, tmp_path):
    names = []
    for seed in (0, 1):
        build(good_tree, tmp_path / str(seed), seed=seed)
        names.append([r.filename for r in records(tmp_path / str(seed), "train")])
    assert names[0] != names[1]
    assert sorted(names[0]) == sorted(names[1])


def test_tfds_reads_it(built):
    import tensorflow_datasets as tfds

    out, manifest = built
    builder = tfds.builder_from_directory(str(out))
    label = builder.info.features["image/class/label"]
    assert builder.name == "tiny"
    assert tuple(label.names) == manifest.labels
    for split in SPLITS:
        assert builder.info.splits[split].num_examples == manifest.count(split)
        read = list(builder.as_dataset(split=split).as_numpy_iterator())
        stored = {record.filename: record for record in records(out, split)}
        assert len(read) == len(stored)
        for example in read:
            record = stored[example["image/filename"].decode()]
            assert example["image/class/label"] == record.label
            assert example["image/class/text"].decode() == record.text
            shape = (example["image/height"], example["image/width"])
            assert shape == (32, 32)
            assert example["image/encoded"].shape == (32, 32, 3)


def test_digits_become_three_equal_channels(tmp_path):
    manifest = tfrecords.build(
        "digits", tmp_path / "digits", size=8, processes=1, shards=1, progress=False
    )
    assert manifest.name == "digits"
    counts = [manifest.count(split) for split in ("train", "validation", "test")]
    assert sum(counts) == 1797 and counts[1] == counts[2] == 179
    for record in records(tmp_path / "digits", "test")[:20]:
        pixels = decode.decode(record.encoded).astype(int)
        assert np.ptp(pixels, axis=2).max() <= 1
        assert np.ptp(pixels) > 100


def test_a_finished_build_is_not_repeated(good_tree, tmp_path, monkeypatch, capsys):
    first = build(good_tree, tmp_path / "out")
    monkeypatch.setattr(shard, "open_writer", None)
    again = build(good_tree, tmp_path / "out", progress=True)
    assert again == first
    assert "finished already" in capsys.readouterr().err


def test_what_was_selected_is_recorded_and_a_change_is_named(good_tree, tmp_path):
    manifest = build(good_tree, tmp_path / "out", limit=8, classes=["cat", "n01440764"])
    assert manifest.count("train") == 8
    assert manifest.options["limit"] == 8
    assert manifest.options["classes"] == ["cat", "n01440764"]
    again = build(good_tree, tmp_path / "out", limit=8, classes=("cat", "n01440764"))
    assert again == manifest
    with pytest.raises(DatasetError, match="limit 8 there, None now"):
        build(good_tree, tmp_path / "out", classes=["cat", "n01440764"])


def test_another_way_to_a_square_is_another_plan(good_tree, tmp_path):
    warped = build(good_tree, tmp_path / "warped", resize="warp")
    assert warped.resize == "warp" and warped.options["resize"] == "warp"
    with pytest.raises(DatasetError, match="plan .resize warp there, short_side now"):
        build(good_tree, tmp_path / "warped")
    plain = build(good_tree, tmp_path / "plain")
    assert plain.resize == "short_side" and "resize" not in plain.options
    with pytest.raises(DatasetError, match="plan .resize short_side there, warp now"):
        build(good_tree, tmp_path / "plain", resize="warp")


def test_too_many_rejected_stop_the_build_and_keep_what_is_done(odd_tree, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(DatasetError, match=r"--max-rejected.*kept") as caught:
        build(odd_tree, out, shards=8)
    assert "\n" not in str(caught.value)
    assert "reason" in (out / "rejected.jsonl").read_text()
    assert not (out / "manifest.json").exists()
    manifest = build(odd_tree, out, shards=8, max_rejected=0.5)
    assert manifest.rejected == len(bad_pictures())
    assert tfrecords.verify(out, processes=1, progress=False).ok


def test_an_interrupt_keeps_finished_shards_and_no_others(
    good_tree, tmp_path, monkeypatch
):
    real = store.convert
    seen = []

    def convert(*args):
        seen.append(1)
        if len(seen) == 8:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(store, "convert", convert)
    with pytest.raises(KeyboardInterrupt):
        build(good_tree, tmp_path / "out")
    left = {path.name for path in (tmp_path / "out").iterdir()}
    assert left == {".building", "tiny-train.tfrecord-00000-of-00002"}


def test_a_log_gets_plain_lines(good_tree, tmp_path, capsys):
    build(good_tree, tmp_path / "out", progress=True)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith("build: 24 of 24 pictures")


def test_timings_tell_every_phase_of_parent_and_workers(good_tree, tmp_path, capsys):
    for processes in (1, 2):
        out = tmp_path / f"by_{processes}"
        options = {"timings": True, "processes": processes, "shards": 2, "size": 16}
        tfrecords.build(good_tree, out, **options)
        lines = [line.split() for line in capsys.readouterr().err.splitlines()]
        rows = {tuple(row[:2]): row for row in lines if row[0] in ("parent", "workers")}
        read = ["read", "decode", "scale", "encode", "write", "statistics", "hash"]
        own = ["scan", "plan", "resume", "collect", "commit"]
        both = ["sync", "rest", "all"]
        expected = {("workers", name) for name in (*read, *both)}
        expected |= {("parent", name) for name in (*own, *both)}
        if processes == 2:
            expected |= {("workers", "start"), ("parent", "start")}
        assert {*rows} == expected
        assert all(float(row[3]) >= 0 for row in rows.values())
