import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.benchmark import fit
from keras_alexnet.benchmark.fit import FitOptions, HeldFit
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


def test_what_fit_raises_is_raised_where_steps_are_asked_for():
    class Broken:
        def fit(self, *arguments, **options):
            raise MemoryError("no room")

    with pytest.raises(MemoryError, match="no room"):
        HeldFit(Broken(), None).take(1)


def test_what_is_allowed_is_shared_by_step_and_pipeline(monkeypatch):
    monkeypatch.setattr(fit, "fit_work", lambda *_, **fields: fit.Work(lambda: None))
    rounds = {"fit": [2.0], "step": [1.0], "pipeline": [0.5]}
    monkeypatch.setattr(fit, "seconds_in_turn", lambda *_: rounds)
    monkeypatch.setattr(fit, "available_cores", lambda: 2)
    record = fit.measure(FitOptions("data", batch_size=10, steps=4))
    values = {figure.name: figure.value for figure in record.figures}
    assert (values["fit"], values["step alone"]) == (20.0, 40.0)
    # A second of stepping and a quarter of reading on two cores.
    assert values["allowed together"] == pytest.approx(40 / 1.25)
    assert values["fit over what is allowed"] == pytest.approx(62.5)


@pytest.mark.parametrize("work", ["fit", "step", "pipeline"])
def test_the_parts_of_training_are_timed(dataset, work):
    sizes = {name: small.NETWORK[name] for name in ("input_size", "filters", "units")}
    timed = fit.fit_work(work, dataset, 4, 2, precision="float32", **sizes)
    assert timed.seconds() > 0
