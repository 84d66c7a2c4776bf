import json

import numpy as np
import pytest

from keras_alexnet.figures.confusion import MOST_NAMED, draw, read_confusion
from tests.keras_alexnet.figures.conftest import texts
from tfrecords.errors import UserError

MATRIX = [[3, 1, 0], [0, 0, 0], [2, 0, 6]]


def evaluation(path, matrix, names):
    document = {"confusion": matrix, "classes": [{"class": name} for name in names]}
    path.write_text(json.dumps(document))
    return path


def test_shades_are_shares_of_rows_and_numbers_pictures(drawn, tmp_path):
    names = ["a$b$\n", "_hidden", "c" * 60]
    draw([evaluation(tmp_path / "one.json", MATRIX, names)], tmp_path / "out.png")
    axes = drawn[0].axes[0]
    expected = [[0.75, 0.25, 0], [0, 0, 0], [0.25, 0, 0.75]]
    assert axes.images[0].get_array().tolist() == expected
    assert axes.images[0].get_clim() == (0, 1)
    places = [(text.get_position(), text.get_text()) for text in axes.texts]
    shown = [((0, 0), "3"), ((1, 0), "1"), ((0, 2), "2"), ((2, 2), "6")]
    assert places == shown
    labels = axes.get_yticklabels()
    assert [label.get_text() for label in labels] == [
        "a$b$\\n",
        "_hidden",
        "c" * 11 + "…" + "c" * 12,
    ]
    assert not any(label.get_parse_math() for label in labels)
    assert "12 pictures of 3 classes" in drawn[0].texts[0].get_text()
    assert "Right: 75.0%" in drawn[0].texts[0].get_text()


def test_numbers_are_light_where_it_is_dark(drawn, tmp_path):
    draw([evaluation(tmp_path / "one.json", MATRIX, "abc")], tmp_path / "out.png")
    colours = {text.get_text(): text.get_color() for text in drawn[0].axes[0].texts}
    assert colours == {"3": "white", "1": "black", "2": "black", "6": "white"}


def test_many_classes_have_neither_names_nor_numbers(drawn, tmp_path):
    count = MOST_NAMED + 1
    matrix = np.eye(count, dtype=int).tolist()
    path = evaluation(tmp_path / "one.json", matrix, map(str, range(count)))
    draw([path], tmp_path / "out.png")
    assert texts(drawn[0]) == []
    assert drawn[0].axes[0].images[0].get_array().shape == (count, count)
    assert len(drawn[0].axes[0].get_yticklabels()) < 15


@pytest.mark.parametrize(
    ("matrix", "names"),
    [
        ([[1, 0]], "a"),
        ([[1]], "ab"),
        ([[1, 0], [0]], "ab"),
        ([["x"]], "a"),
        ([[-1]], "a"),
        ([[0]], "a"),
        ([], ""),
        ([[2**70]], "a"),
        (None, "a"),
    ],
)
def test_what_is_no_confusion_matrix_is_refused(matrix, names, tmp_path):
    path = evaluation(tmp_path / "one.json", matrix, names)
    with pytest.raises(UserError, match="a square confusion matrix .*one.json"):
        read_confusion(json.loads(path.read_text()), path)
