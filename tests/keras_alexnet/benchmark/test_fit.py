import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.benchmark import device, fit
from keras_alexnet.benchmark.fit import FitOptions, HeldFit
from keras_alexnet.data import PixelBatch
from keras_alexnet.training.compile import compile_network
from tests import small


def test_steps_are_taken_when_they_are_told_to(monkeypatch):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    batch = np.ones((2, 3), "float32"), np.ones((2, 1), "float32")
    held = HeldFit(model, tf.data.Dataset.from_tensors(batch).repeat())
    for steps in (1, 4):
        before = int(model.optimizer.iterations.numpy())
        held.take(steps)
        assert int(model.optimizer.iterations.numpy()) == before + steps


def test_steps_in_groups_are_all_taken_when_they_are_told_to():
    model = compile_network(small.preset(), 3)
    batch = (np.zeros((2, small.INPUT, small.INPUT, 3), "float32"), np.zeros(2, int))
    held = HeldFit(model, tf.data.Dataset.from_tensors(batch).repeat(), group=3)
    for steps in (1, 4, 3):
        before = int(model.optimizer.iterations.numpy())
        held.take(steps)
        assert int(model.optimizer.iterations.numpy()) == before + steps


def test_what_fit_raises_is_raised_where_steps_are_asked_for():
    class Broken:
        def fit(self, *arguments, **options):
            raise MemoryError("no room")

    with pytest.raises(MemoryError, match="no room"):
        HeldFit(Broken(), None).take(1)


ROUNDS = {"fit": [2.0], "step": [1.0], "pipeline": [0.5], "copy": [1.25]}


@pytest.fixture
def figures(monkeypatch):
    """Measure on a device with these seconds of each work; return the values."""

    def values(gpu):
        def in_turn(works, *_):
            return {name: ROUNDS[name] for name in works}

        idle = fit.Work(lambda: None)
        monkeypatch.setattr(fit, "fit_work", lambda *_, **fields: idle)
        monkeypatch.setattr(fit, "seconds_in_turn", in_turn)
        monkeypatch.setattr(fit, "available_cores", lambda: 2)
        monkeypatch.setattr(device, "gpu_name", lambda: gpu)
        monkeypatch.setattr(device, "peak_bytes", lambda: 5_000_000 if gpu else None)
        record = fit.measure(FitOptions("data", batch_size=10, steps=4))
        return {figure.name: figure.value for figure in record.figures}

    return values


def test_what_is_allowed_on_a_cpu_is_shared_by_step_and_pipeline(figures):
    values = figures(gpu=None)
    assert (values["fit"], values["step alone"]) == (20.0, 40.0)
    # A second of stepping and a quarter of reading on two cores.
    assert values["allowed together"] == pytest.approx(40 / 1.25)
    assert values["fit over what is allowed"] == pytest.approx(62.5)
    assert values["fit over the step alone"] == pytest.approx(50)
    assert (
        "copy to the GPU" not in values and "fit: peak memory of the GPU" not in values
    )


def test_what_is_allowed_on_a_gpu_is_the_slowest_of_step_input_and_copy(figures):
    values = figures(gpu="GPU:0")
    assert (values["step alone"], values["pipeline alone, a core"]) == (40.0, 80.0)
    assert values["copy to the GPU"] == values["allowed together"] == 32.0
    assert values["fit over what is allowed"] == pytest.approx(62.5)
    assert values["fit: peak memory of the GPU"] == 5.0


def test_a_copy_moves_all_of_a_batch_each_time(monkeypatch):
    pixels = PixelBatch.without_noise(tf.ones((2, 4, 4, 3), tf.uint8))
    labels = tf.constant([7, 8], tf.int64)
    copy, moved = fit.repeated_copy((pixels, labels), "CPU:0"), []

    def noted(tensor):
        moved.append(tensor.shape)
        return tensor

    monkeypatch.setattr(tf, "identity", noted)
    assert copy(2) == 7.0
    assert moved == [(2, 4, 4, 3), (2, 3), (), (2,)] * 2


@pytest.mark.parametrize("work", ["fit", "step", "pipeline"])
def test_the_parts_of_training_are_timed(dataset, work):
    sizes = {name: small.NETWORK[name] for name in ("input_size", "filters", "units")}
    timed = fit.fit_work(work, dataset, 4, 2, precision="float32", **sizes)
    assert timed.seconds() > 0
