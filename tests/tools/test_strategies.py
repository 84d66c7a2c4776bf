import numpy as np
import pytest

from tests import small
from tests.reference import training_bound
from tests.tools import strategies
from tfrecords.errors import UserError


def test_distance_is_relative_to_the_largest_of_the_tensor(tmp_path):
    first, second = tmp_path / "a.npz", tmp_path / "c.npz"
    np.savez(first, small=[0.5, -1.0], large=[[100.0, 3.0]])
    np.savez(second, small=[0.75, -1.0], large=[[100.0, 5.0]])
    assert strategies.distances(first, first) == {"small": 0, "large": 0}
    found = strategies.distances(first, second)
    assert found == {"small": pytest.approx(0.25), "large": pytest.approx(0.02)}


def test_weights_that_diverged_are_no_comparison(tmp_path):
    np.savez(tmp_path / "a.npz", kernel=np.array([np.nan, 1.0]))
    with pytest.raises(UserError, match="diverged"):
        strategies.distances(tmp_path / "a.npz", tmp_path / "a.npz")


@pytest.mark.slow
def test_a_comparison_of_small_networks(dataset):
    network = {"input_size": small.INPUT, "units": 16, "batch_size": 8}
    compared = ("mirrored x2", "towers", "multiworker x2")
    options = strategies.StrategyOptions(
        dataset, **network, steps=(2, 5), strategies=compared
    )
    figures = strategies.measure(options).figures
    assert len(figures) == 3 * 2 * 2 * 2
    # The terms of the layers: full filters, 16 units.
    terms = (11 * 11 * 3, 25 * 48, 9 * 256, 9 * 192, 9 * 192, 256, 16, 16)
    limit = training_bound("float32", terms, steps=5)
    for figure in figures:
        assert 0 < figure.value < limit, figure
