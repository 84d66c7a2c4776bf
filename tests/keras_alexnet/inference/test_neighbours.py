import numpy as np
import pytest

from keras_alexnet.inference.neighbours import nearest_rows
from tests.reference import rounding_bound
from tfrecords.errors import UserError


def parts(rows, size):
    return (rows[start : start + size] for start in range(0, len(rows), size))


@pytest.mark.parametrize("size", [1, 7, 50])
def test_the_nearest_are_those_of_an_exhaustive_search(size):
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(50, 33)).astype(np.float32)
    queries = generator.normal(size=(4, 33)).astype(np.float32)
    distances, found = nearest_rows(queries, parts(rows, size), 6)
    apart = np.linalg.norm(rows - queries[:, None].astype(np.float64), axis=2)
    order = np.argsort(apart, axis=1)[:, :6]
    np.testing.assert_array_equal(found, order)
    expected = np.take_along_axis(apart, order, axis=1)
    np.testing.assert_allclose(distances, expected, rtol=rounding_bound("float64", 33))


def test_equal_vectors_are_0_apart_and_ties_go_to_the_smaller_row():
    rows = np.full((9, 4), 1e4, np.float32)
    rows[[2, 5, 7]] += np.float32(0.001)
    distances, found = nearest_rows(rows[5:6], parts(rows, 2), 4)
    assert found.tolist() == [[2, 5, 7, 0]]
    assert distances[0, :3].tolist() == [0, 0, 0] and distances[0, 3] > 0


def test_there_are_no_more_neighbours_than_rows():
    rows = np.eye(3, dtype=np.float32)
    distances, found = nearest_rows(rows[:2], parts(rows, 2), 9)
    assert distances.shape == found.shape == (2, 3)
    assert found.tolist() == [[0, 1, 2], [1, 0, 2]]
    with pytest.raises(UserError, match="count"):
        nearest_rows(rows, parts(rows, 2), 0)
