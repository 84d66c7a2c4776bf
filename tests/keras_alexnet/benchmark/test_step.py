import keras
import numpy as np
import pytest
import tyro

from keras_alexnet.benchmark import device, operations, step, stock
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
    monkeypatch.setattr(step, "seconds_in_turn", lambda *_, **options: seconds)
    monkeypatch.setattr(step, "mean_seconds", lambda call: call)
    monkeypatch.setattr(operations, "matrix_product", lambda precision: None)


def test_ratios_are_of_the_same_round(clocks):
    options = StepOptions(batch_sizes=(10,), precision="float32")
    # An image; 10 are half a product.
    needed = operations.MATRIX_OPERATIONS // 20
    ours, stock, ratio, matrix, share = step.beside_stock(
        "step", lambda preset, size: iter([None, None]), lambda *_: needed, options
    )
    assert (ours.value, ours.unit) == (10 / 2, "images/s")
    assert (stock.value, ratio.value) == (10 / 8, 3.0)
    assert matrix.value == operations.MATRIX_OPERATIONS / 1e9
    assert share.value == pytest.approx(25.0)
    assert ours.beside == "3.00 x stock Keras, 25% of the matrix rate"


def test_precisions_and_batch_sizes_are_measured_one_after_the_other(
    clocks, monkeypatch
):
    told = []
    monkeypatch.setattr(step, "find_preset", small.preset)
    monkeypatch.setattr(step, "repeated_step", lambda *call: told.append(call))
    monkeypatch.setattr(compile, "compile_network", lambda preset, _: preset)
    monkeypatch.setattr(stock, "stock_network", lambda preset, _: preset)
    record = step.measure(StepOptions(batch_sizes=(2, 3)))
    wide, narrow = ["float32"] * 4, ["mixed_bfloat16"] * 4
    assert [preset.recipe.precision for preset, _ in told] == wide + narrow
    assert [len(batch[1]) for _, batch in told] == [2, 2, 3, 3] * 2
    assert [figure.name for figure in record.figures][::5] == [
        "step, float32, batch 2",
        "step, float32, batch 3",
        "step, mixed_bfloat16, batch 2",
        "step, mixed_bfloat16, batch 3",
    ]
    images, labels = told[0][1]
    assert images.shape == (2, small.INPUT, small.INPUT, 3) and np.std(images) > 55
    assert labels.numpy().tolist() == [0, 1]


def test_peak_memory_is_that_of_ours_before_others_are_there(clocks, monkeypatch):
    held = [0]
    monkeypatch.setattr(device, "forget_peak", lambda: held.__setitem__(0, 0))
    monkeypatch.setattr(device, "peak_bytes", lambda: held[0])

    def models(preset, size):
        for needed in (3_000_000, 9_000_000):
            held[0] += size * needed
            yield None

    options = StepOptions(batch_sizes=(1, 2), precision="float32")
    figures = step.beside_stock("step", models, lambda *_: 1, options)
    peaks = [figure for figure in figures if "peak memory" in figure.name]
    assert [(peak.value, peak.unit) for peak in peaks] == [(3.0, "MB"), (6.0, "MB")]


def test_batch_sizes_are_a_list_with_commas():
    def sizes(*words):
        options = tyro.cli(StepOptions, args=["--precision", "float32", *words])
        return options.batch_sizes

    assert sizes() == (128,) and sizes("--batch-sizes", "64,1024") == (64, 1024)
    with pytest.raises(SystemExit):
        sizes("--batch-sizes", "64,some")


def test_every_call_takes_its_steps_on_the_same_batch():
    images = np.arange(12, dtype="float32").reshape(4, 3) / 10
    labels = np.ones((4, 2), "float32")
    kernel, bias = np.arange(6.0).reshape(3, 2) / 10, np.zeros(2)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.set_weights([kernel, bias])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    call = step.repeated_step(model, (images, labels))
    losses = []
    limit = training_bound("float32", (8,), steps=6)  # of a sum of 8 errors
    for steps in (None, None, None, 0, 0, 3):  # the last three are taken in one call
        error = images @ kernel + bias - labels
        losses.append(np.mean(error**2))
        if steps != 0:
            found = call() if steps is None else call(steps)
            np.testing.assert_allclose(found, np.mean(losses), rtol=limit)
        # The gradient of the mean over all 8 outputs.
        kernel = kernel - 0.1 * 2 * images.T @ error / error.size
        bias = bias - 0.1 * 2 * error.sum(axis=0) / error.size
    for found, expected in zip(model.get_weights(), (kernel, bias), strict=True):
        assert relative(found, expected) < limit
