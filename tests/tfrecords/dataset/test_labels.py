import pytest

import tfrecords
from keras_alexnet.cli import main
from tests.small import write_tree
from tests.tfrecords.conftest import FEW, LATIN
from tfrecords import DatasetError
from tfrecords.dataset.labels import class_order, read_labels, synset, write_labels
from tfrecords.sources import open_source


def test_classes_are_ordered_by_code_point():
    names = ["n02", "cat", "Zebra", "n01440764", "cat"]
    assert class_order(names) == ("Zebra", "cat", "n01440764", "n02")


def test_only_wordnet_ids_are_synsets():
    found = [synset(name) for name in ("n01440764", "n0144076", "xn01440764", "cat")]
    assert found == ["n01440764", "", "", ""]


def test_labels_survive_a_round_trip(tmp_path):
    names = ("cat", "ä b", "odd\udcff", "n01440764")
    write_labels(tmp_path, names)
    assert read_labels(tmp_path) == names
    assert (tmp_path / "labels.txt").read_bytes().count(b"\n") == 4


@pytest.mark.parametrize("name", ["a\nb", "", "a\rb"])
def test_a_class_name_of_two_lines_is_refused(name):
    with pytest.raises(DatasetError, match="one line"):
        class_order(["cat", name])


CLASSES = {
    "not UTF-8": (LATIN, r"UTF-8.*caf\\xe9"),
    "a line break": ("a\nb", "one line"),
    "a carriage return": ("cat\r", "printed"),
    "a line separator": ("a\u2028b", "one line"),
    "an escape": ("a\x1b[31m", "printed"),
    "only space": (" ", "printed"),
    "space at its end": ("red ", "'red' twice"),
}


@pytest.mark.parametrize(("name", "words"), CLASSES.values(), ids=CLASSES)
def test_class_names_that_nothing_can_hold_are_refused_at_the_start(
    tree, tmp_path, capsys, name, words
):
    (tree / "blue").rename(tree / name)
    if name == "red ":
        write_tree(tree, 1, ("blue",))
    with pytest.raises(DatasetError, match=words) as caught:
        tfrecords.build(tree, tmp_path / "out", progress=False, **FEW)
    str(caught.value).encode()  # it can be printed
    assert not (tmp_path / "out").exists()
    assert main(["build", str(tree), str(tmp_path / "out")]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_what_an_older_build_left_half_made_is_refused_too(tree):
    (tree / "blue").rename(tree / LATIN)
    with pytest.raises(DatasetError, match=r"UTF-8.*caf\\xe9"):
        open_source(tree, earlier=True)


@pytest.mark.parametrize("name", ["a cat", "\U0001f431", "café", "a\u200db", "x" * 250])
def test_class_names_of_any_characters_are_kept(tmp_path, name):
    tree = write_tree(tmp_path / "in", 2, ("blue", name))
    manifest = tfrecords.build(tree, tmp_path / "out", progress=False, **FEW)
    assert set(manifest.labels) == {"blue", name}
    assert tfrecords.verify(tmp_path / "out", processes=1, progress=False).ok
