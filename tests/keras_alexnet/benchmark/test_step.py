import keras
import pytest

from keras_alexnet.benchmark import operations, repeated_step, step
from keras_alexnet.benchmark.step import StepOptions
from keras_alexnet.training import compile


@pytest.fixture
def clocks(monkeypatch):
    """Let works take the seconds of these rounds, whatever they are."""

    def use(ours, stock, product):
        rounds = {"ours": ours, "stock": stock, "product": product}
        monkeypatch.setattr(step, "seconds_in_turn", lambda *_: rounds)
        monkeypatch.setattr(operations, "matrix_product", lambda precision: None)

    return use


def test_ratios_are_of_the_same_round(clocks):
    # The machine is twice as slow in the second round.
    clocks([2.0, 4.0, 2.0], [6.0, 12.0, 8.0], [1.0, 2.0, 1.0])
    options = StepOptions(batch_size=10)
    needed = operations.MATRIX_OPERATIONS // 20  # an image; 10 are half a product
    ours, stock, ratio, matrix, share = step.beside_stock(
        "step", "float32", [None, None], needed, options
    )
    assert (ours.value, ours.unit) == (10 / 2, "images/s")
    assert (stock.value, ratio.value) == (10 / 8, 3.0)
    assert matrix.value == operations.MATRIX_OPERATIONS / 1e9
    assert share.value == pytest.approx(25.0)
    assert ours.beside == "3.00 x stock Keras, 25% of the matrix rate"


def test_both_precisions_are_measured_one_after_the_other(clocks, monkeypatch):
    clocks([1.0], [1.0], [1.0])
    tiny = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten()])
    monkeypatch.setattr(compile, "compile_network", lambda *_: tiny)
    monkeypatch.setattr(repeated_step, "stock_network", lambda *_: tiny)
    monkeypatch.setattr(repeated_step, "repeated_step", lambda *_: None)
    record = step.measure(StepOptions(batch_size=2))
    names = [figure.name for figure in record.figures]
    assert names[0] == "step, float32" and names[5] == "step, mixed_bfloat16"
    assert (record.subject, record.options["rounds"]) == ("step", 5)
