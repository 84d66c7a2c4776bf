import numpy as np
import pytest

from keras_alexnet.export.agreement import LARGEST_DIFFERENCE, check_agreement
from keras_alexnet.export.pictures import ExportPictures
from tfrecords.errors import UserError

COUNT = 40
ROWS = np.tile(np.float32([[0.2, 0.5, 0.3]]), (COUNT, 1))


def given(labels=None):
    """Pictures whose probabilities are known without a network."""
    images = np.zeros((COUNT, 2, 2, 3), np.float32)
    pictures = ExportPictures(None, images, labels, "40 pictures", None)
    pictures.__dict__["expected"] = ROWS  # where `cached_property` keeps it
    return pictures


def answer(rows):
    """What gives these rows, asked for them in parts."""
    parts = iter(np.array_split(rows, [32]))
    return lambda images: next(parts)


def changed(count, by):
    rows = ROWS.copy()
    rows[:count] += np.float32(by)
    return rows


def test_what_differs_is_told():
    labels = np.ones(COUNT, np.int64)
    near = [0, -0.00002, 0.00002]
    found = check_agreement(answer(changed(3, near)), given(labels), "onnx")
    assert found.difference == pytest.approx(2e-5, rel=0.01)
    assert (found.pictures, found.same, found.errors) == (COUNT, COUNT, (0.0, 0.0))
    assert found.text.endswith("top-1 error 0.0%, of Keras 0.0%")
    assert check_agreement(answer(ROWS), given(), "onnx").errors is None


@pytest.mark.parametrize("by", [[0, -0.00011, 0.00011], [np.nan, 0, 0]])
def test_one_probability_too_far_is_an_error(by):
    assert LARGEST_DIFFERENCE == 1e-4
    with pytest.raises(UserError, match="within 0.0001 .* from onnx, found for 40"):
        check_agreement(answer(changed(1, by)), given(), "onnx")


def test_nine_in_ten_are_enough_where_weights_have_8_bits():
    other = [0.4, -0.2, -0.2]  # then class 0 is the likeliest
    found = check_agreement(
        answer(changed(4, other)), given(np.ones(40)), "int8", quantised=True
    )
    assert (found.same, found.errors) == (36, (0.0, 0.1))
    with pytest.raises(UserError, match=r"for 90% .* Keras for 35 \(87.5%\)"):
        check_agreement(answer(changed(5, other)), given(), "int8", quantised=True)


def test_answers_that_are_no_numbers_agree_with_nothing():
    with pytest.raises(UserError, match="of a probability inf"):
        check_agreement(
            answer(changed(1, [0, np.nan, 0])), given(), "int8", quantised=True
        )


def test_answers_of_another_shape_are_an_error():
    with pytest.raises(UserError, match=r"\(40, 3\) from the export, got \(40, 2\)"):
        check_agreement(answer(ROWS[:, :2]), given(), "onnx")
