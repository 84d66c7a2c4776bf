import json

import numpy as np
import pytest

from keras_alexnet.evaluation.class_lookup import ClassLookup
from keras_alexnet.evaluation.groups import group_errors, read_groups
from keras_alexnet.evaluation.intervals import wilson_interval
from tests.small import CLASSES
from tfrecords.errors import UserError

LOOKUP = ClassLookup(CLASSES)


@pytest.fixture
def read(tmp_path):
    def write_and_read(text, name="groups.csv"):
        (tmp_path / name).write_text(text)
        return read_groups(tmp_path / name, LOOKUP)

    return write_and_read


@pytest.mark.parametrize(
    "text",
    [
        "blue,cold\ngreen,cold\nred,warm\n",
        "class,group\nred, warm\n\nblue,cold\ngreen,cold\nred,warm\npink,warm",
        "0,cold\n1,cold\n2,warm\n",
        '"blue","cold"\r\n"1","cold"\r\n"red","warm"\r\n',
    ],
)
def test_a_table_has_a_class_and_its_group_in_each_line(read, text):
    assert read(text) == ["cold", "cold", "warm"]


def test_an_object_says_the_same(read):
    text = json.dumps({"red": "warm", "1": "cold", "blue": "cold", "x": "other"})
    assert read(text, "groups.JSON") == ["cold", "cold", "warm"]


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("blue,cold\n", "a.csv", "group for every class .*none for green, red"),
        (
            "blue,cold\nblue,warm\n",
            "a.csv",
            "one group .* 'cold' and 'warm' for 'blue'",
        ),
        ("blue,cold\n3,warm\n", "a.csv", "number from 0 to 2; got '3'"),
        ("blue,cold\nred\n", "a.csv", "line 2 has 1 columns"),
        ("blue,\n", "a.csv", "the group of line 1 is ''"),
        ("{", "a.json", "Expected a class and its group"),
        ("[]", "a.json", "found list"),
        ('{"red": 3}', "a.json", "the group of class 'red' is 3"),
    ],
)
def test_what_is_no_table_of_all_classes_is_refused(read, text, name, message):
    with pytest.raises(UserError, match=message):
        read(text, name)


def test_no_more_than_ten_classes_are_named(tmp_path):
    many = ClassLookup([f"c{n}" for n in range(1000)])
    (tmp_path / "one.csv").write_text("c0,a")
    with pytest.raises(UserError, match="none for c1, .*, c10 and 989 more"):
        read_groups(tmp_path / "one.csv", many)
    with pytest.raises(UserError, match="Cannot read .*two.csv"):
        read_groups(tmp_path / "two.csv", many)


def test_pictures_are_counted_between_groups():
    confusion = np.array([[4, 2, 1], [0, 3, 0], [1, 1, 8]])
    found = group_errors(confusion, ["warm", "cold", "warm"])
    # Of the 10 + 7 + 3 pictures 2 + 1 leave their group.
    assert found["top1_error"] == pytest.approx(3 / 20)
    assert found["interval"] == list(wilson_interval(3, 20))
    assert found["images"] == 20
    assert found["confusion"] == [[3, 0], [3, 14]]
    cold, warm = found["groups"]
    assert cold == {
        **{"group": "cold", "classes": 1, "top1_error": 0, "images": 3},
        **{"interval": list(wilson_interval(0, 3)), "taken_for": "", "times": 0},
    }
    assert warm["top1_error"] == pytest.approx(3 / 17) and warm["classes"] == 2
    assert (warm["taken_for"], warm["times"]) == ("cold", 3)


def test_a_group_of_each_class_is_the_confusion_and_one_group_has_no_error():
    confusion = np.random.default_rng(1).integers(0, 9, (3, 3))
    found = group_errors(confusion, ["a", "b", "c"])
    assert found["confusion"] == confusion.tolist()
    assert group_errors(confusion, ["a"] * 3)["top1_error"] == 0


def test_a_group_without_pictures_has_no_error():
    confusion = np.array([[3, 0], [0, 0]])
    found = group_errors(confusion, ["a", "b"])["groups"]
    assert found[1]["top1_error"] is None and found[1]["interval"] is None
