import pytest

from tests.tfrecords.conftest import encoded, fill, fill_folders, noise, splits_of
from tests.tfrecords.sources.conftest import changed
from tfrecords import DatasetError
from tfrecords.sources import AUTO, KINDS, SOURCES, Ignored, is_built_in, open_source
from tfrecords.sources.ilsvrc import facts


def test_split_folders_get_their_canonical_names(good_tree):
    source = open_source(good_tree)
    assert source.kind == "folder"
    assert source.labels == ("cat", "n01440764")
    found = {(s.split, s.key.split("/")[0]) for s in source.samples}
    assert found == {("train", "train"), ("validation", "val")}
    assert source.validation_fraction == 0


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


def test_files_beside_the_folders_are_ignored_and_listed(tmp_path):
    fill(tmp_path, "train/a/1.jpg", "train/list.txt", "readme.txt", "test/1.jpg")
    source = open_source(tmp_path)
    assert source.ignored == (
        Ignored("readme.txt", "not in a split folder"),
        Ignored("test/", "it has no labels"),
        Ignored("train/list.txt", "not in a class folder"),
    )
    assert len(source.samples) == 1


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


def test_the_same_tree_gives_the_same_listing(good_tree):
    assert open_source(good_tree) == open_source(good_tree)
    assert encoded(noise(9, 9)) == encoded(noise(9, 9))


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
    fill_folders(tmp_path, *(f"{name}/{c}" for name in names for c in ("cat", "dog")))
    source = open_source(tmp_path)
    assert source.labels == ("cat", "dog")
    found = {s.origin.name.split("/")[0]: s.split for s in source.samples}
    assert found == dict(zip(names, ("train", "validation", "test"), strict=True))


def test_what_looks_like_splits_can_be_said_to_be_classes(tmp_path):
    fill_folders(tmp_path, "train/steam", "plane", "test")
    with pytest.raises(DatasetError, match="--source classes"):
        open_source(tmp_path)
    source = open_source(tmp_path, "classes")
    assert source.labels == ("plane", "test", "train")
    assert (source.kind, splits_of(source)) == ("folder", {None})


def test_numbers_are_sorted_by_value(tmp_path):
    fill_folders(tmp_path, *(str(n) for n in (1, 2, 10, 100)))
    source = open_source(tmp_path)
    assert source.labels == ("1", "2", "10", "100")
    assert source.label_order == "sorted_number"
    assert open_source(tmp_path, earlier=True).labels == ("1", "10", "100", "2")
    fill_folders(tmp_path, "ten")
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
    fill_folders(tmp_path, *names.split())
    assert open_source(tmp_path).labels == tuple(expected.split())


def test_a_name_in_two_unicode_forms_is_one_class(tmp_path):
    composed, apart = "caf\u00e9", "cafe\u0301"
    fill_folders(tmp_path, f"train/{composed}", "train/b", f"val/{apart}", "val/b")
    source = open_source(tmp_path)
    assert source.labels == ("b", composed)
    found = {s.split for s in source.samples if s.label == 1}
    assert found == {"train", "validation"}


def test_a_name_in_one_unicode_form_stays_as_it_is(tmp_path):
    apart = "cafe\u0301"
    fill_folders(tmp_path, f"train/{apart}", "train/b", f"val/{apart}")
    assert open_source(tmp_path).labels == ("b", apart)


def test_a_validation_picture_in_a_wrong_class_folder_is_an_error(forms, tmp_path):
    folders = changed(forms, "folders", tmp_path)
    answer = facts.validation_synsets()[0]
    other = next(path for path in (folders / "val").iterdir() if path.name != answer)
    name = "ILSVRC2012_val_00000001.JPEG"
    (folders / "val" / answer / name).rename(other / name)
    if not list((folders / "val" / answer).iterdir()):
        (folders / "val" / answer).rmdir()
    with pytest.raises(DatasetError, match=f"puts {name} into {other.name}"):
        open_source(folders)


def test_every_kind_has_a_name_of_its_own_and_the_last_takes_all(tmp_path):
    assert set(KINDS) == {source.kind for source in SOURCES}
    assert len(set(KINDS)) == len(KINDS) and AUTO not in KINDS
    recognising = [source for source in SOURCES if source.recognises(tmp_path)]
    assert recognising == [SOURCES[-1]]
    assert is_built_in("digits", None) and is_built_in("tfds:mnist", None)
    assert not is_built_in("./digits", None) and not is_built_in("digits", "folder")


@pytest.mark.parametrize("both", [True, False])
def test_a_folder_of_several_kinds_is_of_the_first(tmp_path, both):
    fill(tmp_path, "train/n01440764/1.jpg", "val/ILSVRC2012_val_00000293.JPEG")
    tars = ["ILSVRC2012_img_train.tar", "ILSVRC2012_img_val.tar"][: 1 + both]
    fill(tmp_path, *tars)
    first = next(s for s in SOURCES if s.recognises(tmp_path))
    assert first.kind == ("tar" if both else "flat")
