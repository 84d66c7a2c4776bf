"""Classes without a usable picture, one class alone, splits without training."""

import json

import numpy as np
import pytest

import tfrecords
from keras_alexnet import load
from keras_alexnet.cli import main
from keras_alexnet.evaluation.accuracy import evaluate
from tests.small import encode, picture, write_tree
from tfrecords import DatasetError, Manifest

OPTIONS = {"size": 72, "processes": 1, "name": "tiny", "progress": True}


def build(source, out, **options):
    return tfrecords.build(source, out, **{"shards": 1, **OPTIONS, **options})


def spoiled(root, *folders):
    """Make every picture in some folders one that cannot be used."""
    for folder in folders:
        for path in (root / folder).iterdir():
            path.write_bytes(b"no picture")
    return root


def split_tree(root, *splits, names=("blue", "green", "red")):
    for split in splits:
        write_tree(root / split, 3, names)
    return root


@pytest.mark.parametrize("layout", ["folders", "splits", "table"])
def test_a_class_of_no_use_stops_the_build_and_is_named(tmp_path, layout):
    root = tmp_path / "in"
    if layout == "splits":
        split_tree(root, "train", "val")
        spoiled(root, "train/green")
    else:
        spoiled(write_tree(root, 3), "green")
    if layout == "table":
        rows = (f"{p.parent.name}/{p.name},{p.parent.name}" for p in root.glob("*/*"))
        (root / "a.csv").write_text("\n".join(["path,label", *rows]))
        root /= "a.csv"
    for shards in (4, 4, 4):  # finished shards are kept, the answer is the same
        with pytest.raises(DatasetError, match="'green'") as caught:
            build(root, tmp_path / "out", max_rejected=0.9, shards=shards)
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "out" / "manifest.json").exists()
    lines = (tmp_path / "out" / "rejected.jsonl").read_text().splitlines()
    assert {json.loads(line)["class"] for line in lines} == {"green"}


def test_a_class_of_which_one_picture_is_left_is_built(tmp_path):
    root = spoiled(write_tree(tmp_path / "in", 3), "green")
    (root / "green" / "000.jpg").write_bytes(encode(picture(1, 0)))
    options = {"max_rejected": 0.9, "validation_fraction": 0.0}
    manifest = build(root, tmp_path / "out", **options)
    assert manifest.class_counts["train"] == (3, 1, 3)


def test_a_class_lost_to_validation_alone_is_said(tmp_path, capsys):
    root = spoiled(split_tree(tmp_path / "in", "train", "val"), "val/red")
    manifest = build(root, tmp_path / "out", max_rejected=0.9)
    assert manifest.class_counts["validation"] == (3, 3, 0)
    assert "3 validation pictures of class 'red'" in capsys.readouterr().err


@pytest.mark.parametrize("how", ["folder", "table", "choice"])
def test_one_class_is_never_built_without_a_word(tmp_path, capsys, how):
    root, options = write_tree(tmp_path / "in", 2, ("blue",)), {}
    if how == "table":
        lines = "path,label\nblue/000.jpg,blue\nblue/001.jpg,blue\n"
        (root / "a.csv").write_text(lines)
        root /= "a.csv"
    elif how == "choice":
        write_tree(root, 2, ("red",))
        options = {"classes": ["blue"]}
    for _ in ("built", "finished already"):
        build(root, tmp_path / "out", **options)
        assert "one class, 'blue'" in capsys.readouterr().err


def test_classes_that_a_limit_leaves_out_are_said(tmp_path, capsys):
    build(split_tree(tmp_path / "in", "train", "val"), tmp_path / "out", limit=2)
    assert "1 of 3 classes have no training picture" in capsys.readouterr().err


@pytest.fixture(scope="module")
def testing(tmp_path_factory):
    """A dataset of a test split alone, with the classes of the small one."""
    root = tmp_path_factory.mktemp("testing")
    build(split_tree(root / "in", "test"), root / "out", progress=False)
    return root / "out"


def test_a_test_split_alone_is_a_dataset(testing, capsys):
    manifest = Manifest.load(testing)
    assert list(manifest.splits) == ["test"]
    assert manifest.count("test") == 9
    assert not (testing / "statistics.npz").exists()
    assert tfrecords.verify(testing, processes=1, progress=False).ok
    again = build(testing.parent / "in", testing)
    assert again == manifest
    said = capsys.readouterr().err
    assert "finished already" in said and "no training split" in said


def test_a_test_split_alone_is_evaluated(testing, run, capsys):
    report = evaluate([load(run)], testing, views=1, split="test")
    assert report.images == 9
    assert np.isfinite(report.top1_error)
    assert main(["evaluate", str(run), str(testing), "--views", "1"]) == 1
    assert "found test" in capsys.readouterr().err


def test_a_test_split_alone_is_not_trained_on(testing, tmp_path, capsys):
    assert main(["train", str(testing), str(tmp_path / "run"), "--epochs", "1"]) == 1
    assert "training split" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_table_of_test_pictures_alone_is_a_dataset(tmp_path):
    root = write_tree(tmp_path / "in", 2)
    rows = [f"{p.relative_to(root)},{p.parent.name},test" for p in root.glob("*/*.jpg")]
    (root / "a.csv").write_text("\n".join(["path,label,split", *rows]))
    manifest = build(root / "a.csv", tmp_path / "out")
    assert list(manifest.splits) == ["test"]


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_share_of_no_training_pictures_is_refused(testing, tmp_path, split):
    share = {f"{split}_fraction": 0.5}
    with pytest.raises(DatasetError, match=f"--{split}-fraction"):
        build(testing.parent / "in", tmp_path / "out", **share)
    assert not (tmp_path / "out").exists()
