import numpy as np
import pytest

from keras_alexnet.record import Record
from tests import small
from tests.reference import training_bound
from tests.tools import strategies
from tfrecords.errors import UserError


def test_distance_is_relative_to_the_largest_of_the_tensor(tmp_path):
    small_one, large = np.array([0.5, -1.0]), np.array([[100.0, 3.0]])
    np.savez(tmp_path / "a.npz", small=small_one, large=large)
    np.savez(tmp_path / "c.npz", small=small_one + [0.25, 0], large=large + [[0, 2]])
    first, second = tmp_path / "a.npz", tmp_path / "c.npz"
    assert strategies.distances(first, first) == {"small": 0, "large": 0}
    found = strategies.distances(first, second)
    assert found == {"small": pytest.approx(0.25), "large": pytest.approx(0.02)}


def test_weights_that_diverged_are_no_comparison(tmp_path):
    np.savez(tmp_path / "a.npz", kernel=np.array([np.nan, 1.0]))
    with pytest.raises(UserError, match="diverged"):
        strategies.distances(tmp_path / "a.npz", tmp_path / "a.npz")


@pytest.mark.slow
def test_a_comparison_of_small_networks(dataset, tmp_path):
    path = tmp_path / "found.json"
    network = {"input_size": small.INPUT, "units": 16, "batch_size": 8}
    compared = ("mirrored x2", "towers", "multiworker x2")
    options = {**network, "steps": (2, 5), "strategies": compared, "json": path}
    assert strategies.main(strategies.Options(dataset, **options)) == 0
    figures = Record.load(path).figures
    assert len(figures) == 3 * 2 * 2 * 2
    # The terms of the layers: full filters, 16 units.
    terms = (11 * 11 * 3, 25 * 48, 9 * 256, 9 * 192, 9 * 192, 256, 16, 16)
    limit = training_bound("float32", terms, steps=5)
    for figure in figures:
        assert 0 < figure.value < limit, figure
