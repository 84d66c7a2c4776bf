from types import SimpleNamespace

import numpy as np
import pytest

from keras_alexnet.serving.answers import Answers
from keras_alexnet.serving.refusal import Refusal

MODEL = SimpleNamespace(labels=["a", "b", "c"], top=2)
ROWS = list(np.float32([[0.25, 0.5, 0.25], [0.125, 0.125, 0.75]]))


def test_the_likeliest_are_named_and_ties_go_to_the_smaller_class():
    found = Answers.of(MODEL, ROWS, "x")
    assert np.array_equal(found.probabilities, ROWS)
    assert found.probabilities.dtype == found.scores.dtype == np.float32
    assert found.classes.dtype == np.int64
    assert found.classes.tolist() == [[1, 0], [2, 0]]
    assert found.scores.tolist() == [[0.5, 0.25], [0.75, 0.125]]
    assert found.labels.tolist() == [["b", "a"], ["c", "a"]]


def test_no_pictures_have_outputs_without_rows():
    found = Answers.of(MODEL, [], "x")
    shapes = [values.shape for values in found]
    assert shapes == [(0, 3), (0, 2), (0, 2), (0, 2)]


def test_the_first_that_failed_is_named_by_its_place():
    with pytest.raises(Refusal, match=r"^x\[1\]: why$") as refused:
        Answers.of(MODEL, [ROWS[0], Refusal(422, "why")], "x")
    assert refused.value.status == 422
    diverged = np.float32([np.nan, 0, 0])
    with pytest.raises(Refusal, match=r"^x\[0\]: not_finite") as refused:
        Answers.of(MODEL, [diverged], "x")
    assert refused.value.status == 500
