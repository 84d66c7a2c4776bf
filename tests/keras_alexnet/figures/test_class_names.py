import json
import shutil

import pytest

from keras_alexnet.figures.class_names import ClassNames, shortened
from tests import small
from tfrecords.errors import UserError

WORDS = ("blue, azure", "", "red")
SYNSETS = ("n00000001", "n00000002", "")


@pytest.fixture
def named(dataset, tmp_path):
    """The dataset with words and WordNet ids."""
    data = shutil.copytree(dataset, tmp_path / "data")
    document = json.loads((data / "manifest.json").read_text())
    document |= {"words": WORDS, "synsets": SYNSETS}
    (data / "manifest.json").write_text(json.dumps(document))
    return data


def test_classes_are_called_by_the_first_of_their_words(named):
    assert ClassNames(small.CLASSES).shown == [*small.CLASSES]
    assert ClassNames(small.CLASSES, named).shown == ["blue", "green", "red"]
    document = json.loads((named / "manifest.json").read_text())
    (named / "manifest.json").write_text(
        json.dumps(document | {"words": ["sky, azure", "", "x" * 40]})
    )
    expected = ["sky", "green", "x" * 11 + "…" + "x" * 12]
    assert ClassNames(small.CLASSES, named).shown == expected


def test_the_folder_of_a_picture_tells_its_class(named, monkeypatch, tmp_path):
    names = ClassNames(small.CLASSES, named)
    assert names.of_file("some/where/red/a.jpg") == 2
    assert names.of_file("n00000002/a.jpg") == 1
    assert names.of_file("other/a.jpg") is None
    assert ClassNames(small.CLASSES).of_file("n00000002/a.jpg") is None
    (tmp_path / "green").mkdir()
    monkeypatch.chdir(tmp_path / "green")
    assert names.of_file("a.jpg") == 1


def test_a_class_is_found_by_each_of_its_names(named):
    names = ClassNames(small.CLASSES, named)
    assert [names.find(name) for name in ("blue", "n00000002", "red")] == [0, 1, 2]
    with pytest.raises(UserError, match="3 classes, such as blue, .* got 'pink'"):
        names.find("pink")


def test_a_dataset_of_other_classes_is_refused(dataset):
    with pytest.raises(UserError, match="the same 2 classes, got .* of 3 others"):
        ClassNames(["a", "b"], dataset)


def test_names_are_short_and_printable():
    assert shortened("a\nb") == "a\\nb"
    assert shortened("x" * 24) == "x" * 24
    assert shortened("x" * 25 + "y") == "x" * 11 + "…" + "x" * 11 + "y"
    assert shortened("word", 3) == "w…d"


@pytest.mark.parametrize(
    ("name", "most", "expected"),
    [
        ("short", 5, "short"),
        ("longer name", 8, "lon…name"),
        ("a\n\udcff", 22, "a\\n\\xff"),
    ],
)
def test_names_are_plain_and_no_wider_than_there_is_room(name, most, expected):
    assert shortened(name, most) == expected and len(expected) <= most
