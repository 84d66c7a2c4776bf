import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.src.optimizers.loss_scale_optimizer import LossScaleOptimizer

from keras_alexnet.training.update.loss_scale import LossScale
from keras_alexnet.training.update.optimizer import CoupledSGD
from tests.keras_alexnet.training.conftest import check_sources
from tests.reference import rounding_bound
from tests.tools import fork_server


def trained(kind, gradients):
    """Take a step for each pair of gradients; return weights and state after each."""
    weights = [
        keras.Variable(np.ones((2, 3)), name="kernel"),
        keras.Variable(np.ones(3), name="bias"),
    ]
    optimizer = kind(
        CoupledSGD(0.5, bias_rate=2.0), initial_scale=64.0, dynamic_growth_steps=3
    )
    optimizer.build(weights)

    @tf.function
    def step(kernel, bias):
        optimizer.apply([kernel, bias], weights)

    history = []
    for kernel, bias in gradients:
        step(tf.fill((2, 3), kernel), tf.fill((3,), bias))
        variables = [*weights, *optimizer.variables]
        history.append([v.value.numpy() for v in variables])
    return optimizer, history


STEPS = (
    [(3.0, 1.0)] * 4 + [(np.inf, 1.0), (1.0, -2.0), (1.0, np.nan)] + [(9.0, 1.0)] * 4
)


def test_every_step_is_that_of_keras():
    _, ours = trained(LossScale, STEPS)
    _, stock = trained(keras.optimizers.LossScaleOptimizer, STEPS)
    for one, other in zip(ours, stock, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_overflows_change_no_weight_and_halve_the_scale():
    optimizer, history = trained(LossScale, STEPS[:5])
    for before, after in zip(history[3][:2], history[4][:2], strict=True):
        np.testing.assert_array_equal(before, after)
    assert float(optimizer.dynamic_scale) == 64.0  # doubled after three, then halved
    assert int(optimizer.step_counter) == 0


def test_it_is_restored_from_its_configuration():
    optimizer = LossScale(CoupledSGD(0.25), initial_scale=8.0)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert isinstance(again, LossScale)
    assert again.initial_scale == 8.0
    assert float(again.inner_optimizer.learning_rate) == pytest.approx(0.25)


# A strategy wants a process of its own. Only the second replica overflows.
REPLICAS = """
from keras_alexnet.training.devices.plan import plan_devices
plan = plan_devices("mirrored", logical_devices=2)
import keras, tensorflow as tf
from keras_alexnet.training.update.loss_scale import LossScale
from keras_alexnet.training.update.optimizer import CoupledSGD

with plan.scope():
    weight = keras.Variable([[1.0, 2.0]], name="kernel")
    optimizer = LossScale(CoupledSGD(0.5), initial_scale=64.0)
    optimizer.build([weight])

@tf.function
def step(largest):
    def replica():
        own = tf.distribute.get_replica_context().replica_id_in_sync_group
        values = tf.where(own == 1, largest, 1.0)
        optimizer.apply_gradients([(tf.fill((1, 2), values), weight)])
    plan.strategy.run(replica)

for largest in (float("inf"), 1.0):
    step(tf.constant(largest))
    values = [keras.ops.convert_to_numpy(v) for v in (weight, optimizer.dynamic_scale)]
    print(*values[0][0], values[1])
"""


def test_an_overflow_in_one_replica_leaves_the_step_out_in_all():
    done = fork_server.run(REPLICAS)
    assert done.returncode == 0, done.stderr
    overflow, sound = done.stdout.splitlines()[-2:]
    assert overflow == "1.0 2.0 32.0"
    kernel = [float(number) for number in sound.split()]
    # Two replicas of gradient 1 / 32 each, and decay.
    expected = [w - 0.5 * (2 / 32 + 0.0005 * w) for w in (1.0, 2.0)]
    assert kernel == pytest.approx([*expected, 32.0], rel=rounding_bound("float32"))


@pytest.mark.parametrize("name", ["clipnorm", "weight_decay", "loss_scale_factor"])
def test_the_loss_scale_sends_arguments_to_the_inner_optimizer(name):
    with pytest.raises(ValueError, match=f"{name}.*inner_optimizer"):
        LossScale(CoupledSGD(), **{name: 1.0})


def test_keras_has_not_changed_what_it_rests_on():
    check_sources(
        "update/loss_scale.py",
        {
            LossScaleOptimizer._tf_apply: "e702c4db1a0622e3",
            LossScaleOptimizer._common_apply: "4bb166c7e69089d7",
            LossScaleOptimizer._stateful_handle_finite_grads: "6e4577e03d1ef28d",
            LossScaleOptimizer.check_finite: "b0ce693a4ff0133b",
        },
    )
