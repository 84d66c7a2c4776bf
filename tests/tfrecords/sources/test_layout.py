"""Folders as people have them: wrappers, spellings of splits, and what is unclear."""

import pytest

from tests.tfrecords.conftest import fill, fill_folders, splits_of
from tfrecords import DatasetError
from tfrecords.sources import open_source
from tfrecords.sources.split_names import split_of

CLUTTER = (
    "@eaDir/x/thumb.jpg",
    "__MACOSX/._a",
    ".DS_Store",
    "README.md",
    "notes/a.txt",
)


@pytest.mark.parametrize("wrapper", ["dataset", "a/b", "data/images/photos"])
@pytest.mark.parametrize("clutter", [(), CLUTTER])
@pytest.mark.parametrize("inner", ["", "train/"])
def test_single_wrappers_are_looked_through(tmp_path, wrapper, clutter, inner):
    folders = [f"{inner}cat", f"{inner}dog"]
    if inner:
        folders += ["val/cat", "val/dog"]
    place = fill_folders(tmp_path / wrapper, *folders)
    fill(tmp_path, *clutter)
    source, direct = open_source(tmp_path), open_source(place)
    assert source.labels == ("cat", "dog")
    assert source.samples == direct.samples
    assert (source.name, source.location) == (direct.name, direct.location)
    assert str(place) in source.notes[0] and str(tmp_path) in source.notes[0]
    above = "../" * (1 + wrapper.count("/"))
    listed = {i.file for i in source.ignored}
    assert {above + name.split("/")[0] for name in clutter} <= listed


def test_a_wrapped_layout_of_ilsvrc_is_recognised(tmp_path):
    place = tmp_path / "imagenet"
    fill_folders(place, "train/n01440764", "train/n01443537")
    fill(place, "val/ILSVRC2012_val_00000293.JPEG", "val/ILSVRC2012_val_00000236.JPEG")
    assert open_source(tmp_path).kind == "flat"
    fill_folders(tmp_path / "lists" / "set", "train", "val")
    (tmp_path / "lists" / "set" / "train.txt").write_text("1.jpg 0\n2.jpg 1\n")
    assert open_source(tmp_path / "lists").kind == "list"


def test_one_folder_in_every_split_is_looked_through(tmp_path):
    fill_folders(
        tmp_path, *(f"{s}/images/{c}" for s in ("train", "val") for c in ("a", "b"))
    )
    source = open_source(tmp_path)
    assert source.labels == ("a", "b")
    assert splits_of(source) == {"train", "validation"}


def test_a_class_with_folders_of_its_own_is_no_wrapper(tmp_path):
    fill_folders(tmp_path, "cat", "cat/2019", "cat/2020")
    assert open_source(tmp_path).labels == ("cat",)
    fill_folders(tmp_path, "dog")
    assert open_source(tmp_path).labels == ("cat", "dog")


def test_links_that_lead_in_a_circle_are_no_wrappers(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "in").symlink_to(tmp_path)
    with pytest.raises(DatasetError, match="has none"):
        open_source(tmp_path)


UNCLEAR = {
    "two trainings": (["train/a", "training/a"], "train and training"),
    "two spellings": (["train/a", "train_images/a", "val/a"], "train and train_images"),
    "two validations": (["train/a", "val/a", "dev/a"], "dev and val"),
    "a class beside": (["train/a", "train/b", "cats"], "train, .*cats"),
    "an unknown split": (["train/a", "holdout/a"], "train, .*holdout"),
    "no training": (["val/a", "val/b", "cats"], "train folder"),
    "no classes": (["train", "val"], r"train \(train\), val \(validation\)"),
    "three without": (["train", "val", "test"], "SPLIT/CLASS/PICTURE"),
    "splits in classes": (["cat/train", "cat/val", "dog/train"], "cat: train, val"),
    "datasets": (["x/train/a", "x/test/a", "y/train/a"], "x: test, train"),
}


@pytest.mark.parametrize(("folders", "words"), UNCLEAR.values(), ids=UNCLEAR)
def test_what_is_unclear_stops_and_says_what_was_taken_for_what(
    tmp_path, folders, words
):
    fill_folders(tmp_path, *folders)
    with pytest.raises(DatasetError, match=words) as caught:
        open_source(tmp_path)
    assert "\n" not in str(caught.value)


def test_folders_without_pictures_beside_train_are_no_classes(tmp_path):
    fill_folders(tmp_path, "train/a", "train/b")
    fill(tmp_path, "annotations/1.xml", "devkit/readme.txt", "devkit/data/meta.mat")
    source = open_source(tmp_path)
    assert source.labels == ("a", "b")
    assert {i.file for i in source.ignored} == {"annotations", "devkit"}


@pytest.mark.parametrize("inner", ["", "train/"])
def test_classes_of_nothing_but_folders_are_worth_a_word(tmp_path, inner):
    fill_folders(tmp_path, f"{inner}images/cat", f"{inner}images/dog", f"{inner}masks")
    source = open_source(tmp_path)
    assert source.labels == ("images", "masks")
    assert "1 of 2 class folders" in source.notes[0]
    assert "images (cat, dog)" in source.notes[0]


def test_usual_class_folders_need_no_word(tmp_path):
    fill_folders(
        tmp_path, "train/a", "train/b/images", "train/c", "train/c/x", "train/c/y"
    )
    assert open_source(tmp_path).notes == ()


@pytest.mark.parametrize("names", [("test",), ("val",), ("Test_Images",)])
def test_splits_without_training_serve_evaluation(tmp_path, names):
    fill_folders(tmp_path, *(f"{name}/{c}" for name in names for c in ("a", "b")))
    source = open_source(tmp_path)
    assert source.labels == ("a", "b")
    assert splits_of(source) == {split_of(name) for name in names}
    assert source.validation_fraction == 0
