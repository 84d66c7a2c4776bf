import keras
import numpy as np
import pytest

from keras_alexnet.benchmark import operations, step, stock
from keras_alexnet.benchmark.step import StepOptions
from keras_alexnet.training import compile
from tests import small
from tests.reference import relative, training_bound


@pytest.fixture
def clocks(monkeypatch):
    """Let works take the seconds of these rounds, whatever they are."""
    # The machine is twice as slow in the second round.
    seconds = {"ours": [2.0, 4.0, 2.0], "stock": [6.0, 12.0, 8.0]}
    seconds |= {"product": [1.0, 2.0, 1.0]}
    monkeypatch.setattr(step, "seconds_in_turn", lambda *_: seconds)
    monkeypatch.setattr(operations, "matrix_product", lambda precision: None)


def test_ratios_are_of_the_same_round(clocks):
    options = StepOptions(batch_size=10, precision="float32")
    # An image; 10 are half a product.
    needed = operations.MATRIX_OPERATIONS // 20
    ours, stock, ratio, matrix, share = step.beside_stock(
        "step", lambda preset: [None, None], lambda *_: needed, options
    )
    assert (ours.value, ours.unit) == (10 / 2, "images/s")
    assert (stock.value, ratio.value) == (10 / 8, 3.0)
    assert matrix.value == operations.MATRIX_OPERATIONS / 1e9
    assert share.value == pytest.approx(25.0)
    assert ours.beside == "3.00 x stock Keras, 25% of the matrix rate"


def test_both_precisions_are_measured_one_after_the_other(clocks, monkeypatch):
    told = []
    monkeypatch.setattr(step, "find_preset", small.preset)
    monkeypatch.setattr(step, "repeated_step", lambda *call: told.append(call))
    monkeypatch.setattr(compile, "compile_network", lambda preset, _: preset)
    monkeypatch.setattr(stock, "stock_network", lambda preset, _: preset)
    record = step.measure(StepOptions(batch_size=2))
    wide, narrow = ["float32"] * 2, ["mixed_bfloat16"] * 2
    assert [preset.recipe.precision for preset, _ in told] == wide + narrow
    assert [figure.name for figure in record.figures][::5] == [
        "step, float32",
        "step, mixed_bfloat16",
    ]
    images, labels = told[0][1]
    assert images.shape == (2, small.INPUT, small.INPUT, 3) and np.std(images) > 55
    assert labels.numpy().tolist() == [0, 1]


def test_every_call_is_one_step_on_the_same_batch():
    images = np.arange(12, dtype="float32").reshape(4, 3) / 10
    labels = np.ones((4, 2), "float32")
    kernel, bias = np.arange(6.0).reshape(3, 2) / 10, np.zeros(2)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.set_weights([kernel, bias])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    call = step.repeated_step(model, (images, labels))
    losses = []
    limit = training_bound("float32", (8,), steps=3)  # of a sum of 8 errors
    for _ in range(3):
        error = images @ kernel + bias - labels
        losses.append(np.mean(error**2))
        np.testing.assert_allclose(call(), np.mean(losses), rtol=limit)
        # The gradient of the mean over all 8 outputs.
        kernel = kernel - 0.1 * 2 * images.T @ error / error.size
        bias = bias - 0.1 * 2 * error.sum(axis=0) / error.size
    for found, expected in zip(model.get_weights(), (kernel, bias), strict=True):
        assert relative(found, expected) < limit
