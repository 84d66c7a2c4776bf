from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.presets import schedule
from keras_alexnet.presets.schedule import SCHEDULES
from keras_alexnet.training.state import checkpoint as checkpoint_file
from keras_alexnet.training.state.checkpoint import list_checkpoints
from keras_alexnet.training.update.optimizer import CoupledSGD
from keras_alexnet.training.update.scheduled_rates import ScheduledRates
from tests import small
from tests.keras_alexnet.training.conftest import (
    Kill,
    assert_same_end,
    die,
    interrupt,
    state_of,
)
from tests.reference import paper_sgd_step, rounding_bound

NEAR = rounding_bound("float32")  # of a learning rate, which is float32

# Finished epochs: rates of conv1's weights, conv1's biases, the others' weights, the
# others' biases, from 0.01 and 0.02; worked out by hand from the logs.
TABLES = {
    "released-2012": {
        0: (1e-2, 2e-2, 1e-2, 2e-2),
        24: (1e-2, 2e-2, 1e-2, 2e-2),
        25: (1e-3, 2e-3, 1e-3, 2e-3),
        50: (1e-3, 2e-3, 1e-3, 2e-3),
        51: (1e-4, 2e-3, 1e-4, 2e-3),
        66: (1e-4, 2e-3, 1e-4, 2e-3),
        67: (1e-5, 2e-3, 1e-4, 2e-3),
        71: (1e-5, 2e-3, 1e-4, 2e-3),
        72: (0, 0, 1e-4, 2e-3),
        78: (0, 0, 1e-4, 2e-3),
        79: (0, 0, 1e-5, 2e-3),
        90: (0, 0, 1e-5, 2e-3),
        200: (0, 0, 1e-5, 2e-3),
    },
    "released-2010": {
        22: (1e-2, 2e-2, 1e-2, 2e-2),
        23: (1e-3, 2e-3, 1e-3, 2e-3),
        50: (1e-3, 2e-3, 1e-3, 2e-3),
        51: (1e-4, 2e-3, 1e-4, 2e-3),
        67: (1e-4, 2e-3, 1e-4, 2e-3),
        68: (1e-5, 2e-3, 1e-4, 2e-3),
        71: (1e-5, 2e-3, 1e-4, 2e-3),
        72: (0, 0, 1e-4, 2e-3),
        77: (0, 0, 1e-4, 2e-3),
        78: (0, 0, 1e-5, 2e-3),
        92: (0, 0, 1e-5, 2e-3),
    },
}
LAYERS = ("conv1", "fc8")


def layers(names=LAYERS):
    """Weights of dense layers of these names."""
    variables = []
    for name in names:
        layer = keras.layers.Dense(2, name=name)
        layer.build((None, 3))
        variables += layer.trainable_variables
    return variables


def attached(name, optimizer):
    callback = ScheduledRates(SCHEDULES[name], 0.01, 2.0)
    callback.set_model(SimpleNamespace(optimizer=optimizer))
    return callback


def rates(optimizer):
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    common = float(inner.learning_rate)
    return [common * float(factor) for factor in inner.rate_factors.values()]


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("scaled", [False, True])
def test_the_rate_of_every_layer_at_every_change(name, scaled):
    optimizer = CoupledSGD(0.01, bias_rate=2.0)
    if scaled:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(layers())
    callback = attached(name, optimizer)
    for epoch, expected in TABLES[name].items():
        callback.on_epoch_begin(epoch)
        np.testing.assert_allclose(rates(optimizer), expected, rtol=NEAR)


def test_the_halves_of_conv1_in_towers_are_conv1():
    optimizer = CoupledSGD(0.01, bias_rate=2.0)
    optimizer.build(layers(("conv1_a", "conv1_b", "conv2_a", "fc8")))
    attached("released-2012", optimizer).on_epoch_begin(70)
    np.testing.assert_allclose(
        rates(optimizer),
        [*(1e-5, 2e-3) * 2, *(1e-4, 2e-3) * 2],
        rtol=NEAR,
    )


def test_the_compiled_step_follows_without_a_new_graph_and_conv1_freezes():
    """Ten epochs of three steps across every change, against the rule in float64."""
    weights = layers()
    optimizer = CoupledSGD(0.01, bias_rate=2.0, decay=0.05)
    optimizer.build(weights)
    callback = attached("released-2012", optimizer)
    generator = np.random.default_rng(1)
    values = [w.numpy().astype(np.float64) for w in weights]
    velocities = [np.zeros_like(value) for value in values]

    @tf.function
    def step(slopes):
        optimizer.apply(slopes, weights)

    for epoch in (0, 24, 25, 51, 67, 71, 72, 75, 79, 90):
        callback.on_epoch_begin(epoch)
        close = [r for e, r in TABLES["released-2012"].items() if e <= epoch][-1]
        before = [w.numpy() for w in weights[:2]]
        moving = [v.numpy() for v in optimizer.velocities[:2]]
        for _ in range(3):
            slopes = [generator.normal(size=w.shape) for w in weights]
            step([tf.constant(slope, tf.float32) for slope in slopes])
            for i, slope in enumerate(slopes):
                if close[i]:
                    values[i], velocities[i] = paper_sgd_step(
                        *(values[i], velocities[i], slope, close[i]),
                        decay=0 if i % 2 else 0.05,
                    )
        if epoch >= 72:
            assert all(np.any(v) for v in moving)
            for kept, now in zip(before, weights[:2], strict=True):
                np.testing.assert_array_equal(kept, now)
            for kept, now in zip(moving, optimizer.velocities[:2], strict=True):
                np.testing.assert_array_equal(kept, now)
        for value, weight in zip(values, weights, strict=True):
            # The velocity repeats what is rounded in one of the 30 steps ten times.
            limit = 10 * rounding_bound("float32", 30)
            np.testing.assert_allclose(weight, value, rtol=limit, atol=limit)
    assert step.experimental_get_tracing_count() == 1


def test_a_schedule_goes_on_after_an_interruption(tmp_path, dataset, monkeypatch):
    """With changes in every epoch: a drop, conv1 slowed, then frozen, no noise."""
    every = schedule.Schedule(drops=(1,), slowed=1, frozen=2, colour_off=2, stop=3)
    monkeypatch.setitem(schedule.SCHEDULES, "released-2012", every)
    fields = {"schedule": "released-2012", "learning_rate": 0.01, "keep": 3}
    fields["epochs"] = None
    whole, part = tmp_path / "whole", tmp_path / "part"
    small.train(dataset, whole, **fields)
    with monkeypatch.context() as patch:
        interrupt(patch, "on_train_batch_end", 2, 1, die)
        with pytest.raises(Kill):
            small.train(dataset, part, **fields, save_every=3)
    small.resume(part)
    assert_same_end(whole, part)
    rates = [row["learning_rate"] for row in state_of(whole)[1]["history"]]
    np.testing.assert_allclose(rates, [0.01, 0.001, 0.001], rtol=NEAR)
    second, third = (
        checkpoint_file.read_checkpoint(path).arrays
        for path in list_checkpoints(whole / "checkpoints")[-2:]
    )
    for name in second:
        frozen = "/conv1/" in name and "rate_factor" not in name
        same = np.array_equal(second[name], third[name])
        assert same == frozen or "rate" in name, name
