import json

import numpy as np
import pytest

from keras_alexnet.evaluation.class_lookup import ClassLookup
from keras_alexnet.evaluation.guesses import Guesses
from keras_alexnet.evaluation.intervals import wilson_interval
from keras_alexnet.evaluation.valid_labels import (
    ILSVRC_PICTURES,
    multi_label_error,
    read_valid_labels,
)
from tests.small import CLASSES
from tfrecords.errors import UserError

NAMES = ["val/red/b.jpg", "val/blue/c.jpg", "val/red/a.jpg"]
LOOKUP = ClassLookup(CLASSES)


@pytest.fixture
def read(tmp_path):
    def write_and_read(document, names=NAMES):
        path = tmp_path / "real.json"
        text = document if isinstance(document, str) else json.dumps(document)
        path.write_text(text)
        return [sorted(each) for each in read_valid_labels(path, names, LOOKUP)]

    return write_and_read


def test_a_list_follows_the_order_of_file_names(read):
    assert read([[0, 1], [], ["red", 2]]) == [[], [2], [0, 1]]


def test_an_object_has_names_with_or_without_folders(read):
    document = {"c.jpg": ["green"], "val/red/b.jpg": [2, "blue"], "a.jpg": []}
    assert read(document) == [[0, 2], [1], []]


def test_pictures_of_ilsvrc_are_known_by_their_numbers(read):
    rows = [[]] * ILSVRC_PICTURES
    rows[292], rows[49_999] = [1], [0, 2]
    names = ["x/ILSVRC2012_val_00050000.JPEG", "ILSVRC2012_val_00000293.JPEG"]
    assert read(rows, names) == [[0, 2], [1]]
    assert read([[0], [1]], names) == [[1], [0]]  # a list of these two alone


def test_pictures_of_one_name_are_told_by_their_folders(read):
    names = ["red/0.jpg", "blue/0.jpg"]
    assert read({"red/0.jpg": [0], "blue/0.jpg": [1]}, names) == [[0], [1]]
    with pytest.raises(UserError, match="'0.jpg' is there several.*'red/0.jpg'"):
        read([[0], [1]], names)
    with pytest.raises(UserError, match="every picture in .*none for 'red/0.jpg'"):
        read({"0.jpg": [0]}, names)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("[[0]", "Expected JSON in .*real.json"),
        ("3", "a JSON list of lists .* got int"),
        ([[0], [1]], "each of 3 pictures .* order of file name; got 2"),
        ([[0]] * ILSVRC_PICTURES, "each of 3 pictures .* got 50,000"),
        ([[0], [1], 2], r"list of labels in .*real.json, val/blue/c.jpg, got 2"),
        ([[0], [1], [3]], r"real.json, val/blue/c.jpg, .* 0 to 2; got 3"),
        ([[0], ["pink"], []], r"real.json, val/red/b.jpg, by name.*'pink'"),
        ([[], [], []], "Expected a valid label of some picture"),
        ({"a.jpg": [0], "b.jpg": [0]}, "every picture .* none for 'val/blue/c.jpg'"),
        (
            {"a.jpg": [0], "b.jpg": [0], "c.jpg": [0], "d.jpg": [1], "e.jpg": [1]},
            "names of the 3 pictures .* got 2 others, such as 'd.jpg'",
        ),
    ],
)
def test_what_does_not_fit_the_pictures_is_refused(read, document, message):
    with pytest.raises(UserError, match=message):
        read(document)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match="Cannot read .*gone.json: No such file"):
        read_valid_labels(tmp_path / "gone.json", NAMES, LOOKUP)


def test_an_error_is_a_guess_that_is_not_among_the_valid_labels():
    guesses = Guesses.of(np.eye(3)[[0, 1, 2, 2, 0]], np.array([0, 0, 0, 0, 1]))
    valid = [frozenset(each) for each in ([0], [0, 1], [0, 1], [], [1, 2])]
    assert multi_label_error(guesses, valid) == {
        **{"top1_error": 0.5, "images": 4, "left_out": 1},
        "interval": list(wilson_interval(2, 4)),
    }


def test_with_the_label_alone_it_is_the_top1_error():
    generator = np.random.default_rng(0)
    truth = generator.integers(0, 6, 200)
    guesses = Guesses.of(generator.dirichlet(np.ones(6), 200), truth)
    alone = multi_label_error(guesses, [frozenset([label]) for label in truth.tolist()])
    assert alone["top1_error"] == guesses.wrong.mean() and alone["left_out"] == 0
    every = multi_label_error(guesses, [frozenset(range(6))] * 200)
    assert every["top1_error"] == 0 and every["interval"][0] == 0
