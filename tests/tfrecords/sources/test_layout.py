"""Folders as people have them: wrappers, spellings of splits, and what is unclear."""

import pytest

from tests.tfrecords.sources.test_init import fill
from tfrecords import DatasetError
from tfrecords.sources import open_source
from tfrecords.sources.split_names import SPLIT_FOLDERS, split_of


def tree(root, *folders):
    """Fill each folder with two files."""
    return fill(root, *(f"{folder}/{i}.jpg" for folder in folders for i in (1, 2)))


def splits_of(source):
    return {s.split for s in source.samples}


SPELLINGS = {
    "train": "train training Train TRAIN train_images train-images images_train "
    "trainset train_set train2012 training_set tr TrainImages 01_train trainval "
    "train.data",
    "validation": "val valid validation Val val_images images-val dev eval valset "
    "ValidationData val2017 validation_set",
    "test": "test testing Test test_images TestSet test_set imgs_test te",
}


@pytest.mark.parametrize(
    ("name", "split"),
    [(name, split) for split, names in SPELLINGS.items() for name in names.split()],
)
def test_people_spell_splits_in_many_ways(name, split):
    assert split_of(name) == split
    assert split_of(name, earlier=True) == SPLIT_FOLDERS.get(name.lower())


@pytest.mark.parametrize(
    "name",
    "trains trainer vallhund valley evaluate tested images data 2012 cat intestine "
    "test_tube train_station".split(),
)
def test_other_words_are_no_splits(name):
    assert split_of(name) is None


@pytest.mark.parametrize(
    "names",
    [
        ("train_images", "val_images", "test_images"),
        ("Train", "Validation", "TEST"),
        ("trainset", "dev", "testset"),
        ("train2012", "val2012", "test2012"),
        ("train", "val_images", "testing"),
    ],
)
def test_split_folders_of_any_spelling_are_splits(tmp_path, names):
    tree(tmp_path, *(f"{name}/{c}" for name in names for c in ("cat", "dog")))
    source = open_source(tmp_path)
    assert source.labels == ("cat", "dog")
    found = {s.origin.name.split("/")[0]: s.split for s in source.samples}
    assert found == dict(zip(names, ("train", "validation", "test"), strict=True))


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
    place = tree(tmp_path / wrapper, *folders)
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
    tree(place, "train/n01440764", "train/n01443537")
    fill(place, "val/ILSVRC2012_val_00000293.JPEG", "val/ILSVRC2012_val_00000236.JPEG")
    assert open_source(tmp_path).kind == "flat"
    tree(tmp_path / "lists" / "set", "train", "val")
    (tmp_path / "lists" / "set" / "train.txt").write_text("1.jpg 0\n2.jpg 1\n")
    assert open_source(tmp_path / "lists").kind == "list"


def test_one_folder_in_every_split_is_looked_through(tmp_path):
    tree(tmp_path, *(f"{s}/images/{c}" for s in ("train", "val") for c in ("a", "b")))
    source = open_source(tmp_path)
    assert source.labels == ("a", "b")
    assert splits_of(source) == {"train", "validation"}


def test_a_class_with_folders_of_its_own_is_no_wrapper(tmp_path):
    tree(tmp_path, "cat", "cat/2019", "cat/2020")
    assert open_source(tmp_path).labels == ("cat",)
    tree(tmp_path, "dog")
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
    tree(tmp_path, *folders)
    with pytest.raises(DatasetError, match=words) as caught:
        open_source(tmp_path)
    assert "\n" not in str(caught.value)


def test_what_looks_like_splits_can_be_said_to_be_classes(tmp_path):
    tree(tmp_path, "train/steam", "plane", "test")
    with pytest.raises(DatasetError, match="--source classes"):
        open_source(tmp_path)
    source = open_source(tmp_path, "classes")
    assert source.labels == ("plane", "test", "train")
    assert (source.kind, splits_of(source)) == ("folder", {None})


def test_folders_without_pictures_beside_train_are_no_classes(tmp_path):
    tree(tmp_path, "train/a", "train/b")
    fill(tmp_path, "annotations/1.xml", "devkit/readme.txt", "devkit/data/meta.mat")
    source = open_source(tmp_path)
    assert source.labels == ("a", "b")
    assert {i.file for i in source.ignored} == {"annotations", "devkit"}


@pytest.mark.parametrize("inner", ["", "train/"])
def test_classes_of_nothing_but_folders_are_worth_a_word(tmp_path, inner):
    tree(tmp_path, f"{inner}images/cat", f"{inner}images/dog", f"{inner}masks")
    source = open_source(tmp_path)
    assert source.labels == ("images", "masks")
    assert "1 of 2 class folders" in source.notes[0]
    assert "images (cat, dog)" in source.notes[0]


def test_usual_class_folders_need_no_word(tmp_path):
    tree(tmp_path, "train/a", "train/b/images", "train/c", "train/c/x", "train/c/y")
    assert open_source(tmp_path).notes == ()


@pytest.mark.parametrize("names", [("test",), ("val",), ("Test_Images",)])
def test_splits_without_training_serve_evaluation(tmp_path, names):
    tree(tmp_path, *(f"{name}/{c}" for name in names for c in ("a", "b")))
    source = open_source(tmp_path)
    assert source.labels == ("a", "b")
    assert splits_of(source) == {split_of(name) for name in names}
    assert source.validation_fraction == 0


def test_numbers_are_sorted_by_value(tmp_path):
    tree(tmp_path, *(str(n) for n in (1, 2, 10, 100)))
    source = open_source(tmp_path)
    assert source.labels == ("1", "2", "10", "100")
    assert source.label_order == "sorted_number"
    assert open_source(tmp_path, earlier=True).labels == ("1", "10", "100", "2")
    tree(tmp_path, "ten")
    assert open_source(tmp_path).labels == ("1", "10", "100", "2", "ten")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("0 1 2 3 4 5 6 7 8 9 10", "0 1 2 3 4 5 6 7 8 9 10"),
        ("007 010 100", "007 010 100"),
        ("-1 0 1", "-1 0 1"),
        ("0.5 10.5 2.5", "0.5 2.5 10.5"),
        ("1 01 2", "01 1 2"),
        ("1 10 2a", "1 10 2a"),
    ],
)
def test_numbers_of_every_form_have_an_order(tmp_path, names, expected):
    tree(tmp_path, *names.split())
    assert open_source(tmp_path).labels == tuple(expected.split())


def test_a_name_in_two_unicode_forms_is_one_class(tmp_path):
    composed, apart = "caf\u00e9", "cafe\u0301"
    tree(tmp_path, f"train/{composed}", "train/b", f"val/{apart}", "val/b")
    source = open_source(tmp_path)
    assert source.labels == ("b", composed)
    found = {s.split for s in source.samples if s.label == 1}
    assert found == {"train", "validation"}


def test_a_name_in_one_unicode_form_stays_as_it_is(tmp_path):
    apart = "cafe\u0301"
    tree(tmp_path, f"train/{apart}", "train/b", f"val/{apart}")
    assert open_source(tmp_path).labels == ("b", apart)
