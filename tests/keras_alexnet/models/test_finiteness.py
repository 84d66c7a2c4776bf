import numpy as np
import pytest

from keras_alexnet import alexnet
from keras_alexnet.models.finiteness import find_not_finite
from tests import small


@pytest.fixture(scope="module")
def model():
    return alexnet("released", 3, seed=0, **small.NETWORK)


def spoil(model, layer, value):
    """Put a value into one place of a kernel; return what puts the old ones back."""
    kernel = model.get_layer(layer).kernel
    before = kernel.numpy()
    after = before.copy()
    after[..., 0] = value
    kernel.assign(after)
    return lambda: kernel.assign(before)


def test_a_fresh_network_is_finite(model):
    assert find_not_finite(model) is None


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("layer", ["conv1", "fc8"])
def test_a_weight_that_is_not_finite_is_named(model, layer, value):
    restore = spoil(model, layer, value)
    assert find_not_finite(model) == f"the weight {layer}/kernel"
    restore()


@pytest.mark.parametrize("layer", ["conv1", "conv3", "conv5", "fc6", "fc8"])
def test_finite_weights_whose_activations_overflow_are_named(model, layer):
    """Also where a rectifier in a graph makes 0 of them, and the scores are finite."""
    restore = spoil(model, layer, 1e38)
    assert find_not_finite(model) == f"the output of {layer}"
    restore()


@pytest.mark.bfloat16
def test_bfloat16_layers_are_looked_at_too():
    model = alexnet("released", 3, seed=0, dtype="mixed_bfloat16", **small.NETWORK)
    assert find_not_finite(model) is None
    spoil(model, "conv3", 1e38)
    assert find_not_finite(model) == "the output of conv3"
