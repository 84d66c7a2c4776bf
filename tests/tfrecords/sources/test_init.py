import os
import pickle

import numpy as np
import pytest

from tests.tfrecords.conftest import encoded, noise, write_tree
from tfrecords import DatasetError
from tfrecords.images.decode import decode
from tfrecords.sources import Ignored, open_source


def fill(root, *paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"x")
    return root


def test_split_folders_get_their_canonical_names(good_tree):
    source = open_source(good_tree)
    assert source.kind == "folder"
    assert source.labels == ("cat", "n01440764")
    found = {(s.split, s.key.split("/")[0]) for s in source.samples}
    assert found == {("train", "train"), ("validation", "val")}
    assert source.validation_fraction == 0


def test_a_sample_knows_its_class_and_reads_its_own_bytes(good_tree):
    sample = open_source(good_tree).samples[0]
    again = pickle.loads(pickle.dumps(sample))
    assert again == sample
    assert (sample.key, sample.label) == ("train/cat/0.JPEG", 0)
    expected = (good_tree / "train/cat/0.JPEG").read_bytes()
    assert again.origin.read() == expected
    assert sample.size == len(expected)
    assert len(pickle.dumps(sample)) < 1000


def test_a_tree_without_splits_leaves_them_to_the_plan(tmp_path):
    fill(tmp_path, "b/1.jpg", "a/1.jpg", "a/deeper/2.jpg")
    source = open_source(tmp_path)
    assert [s.key for s in source.samples] == ["a/1.jpg", "a/deeper/2.jpg", "b/1.jpg"]
    assert [s.label for s in source.samples] == [0, 0, 1]
    assert {s.split for s in source.samples} == {None}
    assert (source.validation_fraction, source.test_fraction) == (0.1, 0.0)


def test_a_class_called_train_is_a_class(tmp_path):
    fill(tmp_path, "train/1.jpg", "car/1.jpg", "test/1.jpg")
    assert open_source(tmp_path).labels == ("car", "test", "train")


def test_operating_system_files_are_ignored_and_listed(odd_tree):
    source = open_source(odd_tree)
    names = {os.path.basename(ignored.file) for ignored in source.ignored}
    assert {ignored.reason for ignored in source.ignored} == {
        "a file of the operating system"
    }
    assert names == {"Thumbs.db", ".DS_Store", "._0.JPEG", "desktop.ini"}
    keys = {os.path.basename(sample.key) for sample in source.samples}
    assert {"text.JPEG", "empty.JPEG", "palette.png"} <= keys


def test_files_beside_the_folders_are_ignored_and_listed(tmp_path):
    fill(tmp_path, "train/a/1.jpg", "train/list.txt", "readme.txt", "test/1.jpg")
    source = open_source(tmp_path)
    assert source.ignored == (
        Ignored("readme.txt", "not in a split folder"),
        Ignored("test/", "it has no labels"),
        Ignored("train/list.txt", "not in a class folder"),
    )
    assert len(source.samples) == 1


def test_pipes_are_never_opened_and_dangling_links_are_kept(tmp_path):
    fill(tmp_path, "a/1.jpg")
    os.mkfifo(tmp_path / "a" / "pipe.jpg")
    (tmp_path / "a" / "link.jpg").symlink_to(tmp_path / "nowhere")
    source = open_source(tmp_path)
    assert source.ignored == (Ignored("a/pipe.jpg", "not a regular file"),)
    assert [s.key for s in source.samples] == ["a/1.jpg", "a/link.jpg"]


def test_folders_of_wordnet_ids_get_their_words(tmp_path):
    fill(tmp_path, "n01440764/1.jpg", "n99999999/1.jpg")
    source = open_source(tmp_path)
    assert source.words == ("tench, Tinca tinca", "")
    assert source.label_order == "sorted_wnid"
    fill(tmp_path, "cat/1.jpg")
    source = open_source(tmp_path)
    assert (source.words, source.label_order) == (("", "", ""), "sorted_name")


def test_pictures_of_ilsvrc_have_the_same_key_in_every_layout(tmp_path):
    names = {
        "training/n01440764/n01440764_7.JPEG": "train/n01440764/n01440764_7.JPEG",
        "training/n01440764/n01443537_7.JPEG": "training/n01440764/n01443537_7.JPEG",
        "training/n01440764/a/n01440764_8.JPEG": (
            "training/n01440764/a/n01440764_8.JPEG"
        ),
        "valid/n01440764/ILSVRC2012_val_00000293.JPEG": (
            "val/ILSVRC2012_val_00000293.JPEG"
        ),
        "valid/n01440764/own.JPEG": "valid/n01440764/own.JPEG",
    }
    source = open_source(fill(tmp_path, *names))
    assert {s.origin.name: s.key for s in source.samples} == names


def test_two_pictures_of_one_key_are_an_error(tmp_path):
    name = "ILSVRC2012_val_00000293.JPEG"
    fill(tmp_path, "train/n01440764/1.jpg", f"val/n01440764/{name}")
    fill(tmp_path, f"val/n01440764/more/{name}")
    with pytest.raises(DatasetError, match=f"{name} twice"):
        open_source(tmp_path)


def _missing(root):
    return root / "none"


def _file(root):
    return fill(root, "file") / "file"


def _no_classes(root):
    return fill(root, "1.jpg", "2.jpg")


def _empty_class(root):
    (fill(root, "a/1.jpg") / "b").mkdir()
    return root


def _only_ignored(root):
    return fill(root, "a/1.jpg", "b/.DS_Store")


def _validation_class_not_in_train(root):
    return fill(root, "train/a/1.jpg", "val/a/1.jpg", "val/zebra/1.jpg")


def _no_train(root):
    return fill(root, "val/a/1.jpg")


def _two_validations(root):
    return fill(root, "train/a/1.jpg", "val/a/1.jpg", "validation/a/1.jpg")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_missing, "does not exist"),
        (_file, "is a file"),
        (_no_classes, "one folder per class"),
        (_empty_class, "b has none"),
        (_only_ignored, "b has none"),
        (_validation_class_not_in_train, "'zebra'"),
        (_no_train, "train folder"),
        (_two_validations, "val and validation"),
    ],
)
def test_wrong_trees_are_one_clear_line(tmp_path, make, words):
    with pytest.raises(DatasetError, match=words) as caught:
        open_source(make(tmp_path))
    assert "\n" not in str(caught.value)


def test_an_unknown_kind_is_an_error(tmp_path):
    with pytest.raises(DatasetError, match="digits, tar, .*, folder"):
        open_source(tmp_path, "lmdb")


def test_a_dataset_name_can_be_made_of_any_folder(tmp_path):
    for folder, name in [("My Photos-2", "my_photos_2"), ("2012", "images_2012")]:
        assert open_source(write_tree(tmp_path / folder)).name == name


def test_digits_are_scikit_learns_scans():
    from sklearn.datasets import load_digits

    source = open_source("digits")
    assert source.labels == tuple("0123456789")
    assert len(source.samples) == 1797
    bunch = load_digits()
    for sample in source.samples[::300]:
        index = int(sample.key[2:6])
        pixels = decode.decode(sample.origin.read())
        expected = bunch.images[index] * 255 / 16
        assert sample.label == bunch.target[index]
        np.testing.assert_allclose(pixels[..., 0], expected, atol=0.5)
        assert (pixels == pixels[..., :1]).all()


def test_the_same_tree_gives_the_same_listing(good_tree):
    assert open_source(good_tree) == open_source(good_tree)
    assert encoded(noise(9, 9)) == encoded(noise(9, 9))
