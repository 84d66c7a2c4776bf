import json
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_alexnet.layers import OriginalDropout
from keras_alexnet.training.state.model_state import (
    capture,
    read_sums,
    restore,
    state_variables,
    write_sums,
)
from keras_alexnet.training.update.optimizer import CoupledSGD
from tests import small
from tests.reference import training_bound
from tfrecords.errors import UserError

X = np.random.default_rng(1).normal(size=(8, 4)).astype(np.float32)


def network(units=400, seed=1, scaled=False):
    """A small net with everything that a run's state has."""
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((4,))
    x = keras.layers.Dense(units, activation="relu", name="fc6")(inputs)
    x = OriginalDropout(0.5, seed=5, name="drop6")(x)
    model = keras.Model(inputs, keras.layers.Dense(1, name="fc8")(x))
    optimizer = CoupledSGD(0.0625)
    if scaled:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(model.trainable_variables)
    metrics = [keras.metrics.MeanSquaredError(name="error")]
    model.compile(
        *(optimizer, "mean_squared_error"),
        metrics=metrics,
        jit_compile=False,
        run_eagerly=True,
    )
    return model


def steps(model, count):
    for _ in range(count):
        model.train_on_batch(X, X[:, :1])
    return model


def everything(model):
    return [v.numpy() for v in [*model.variables, *model.optimizer.variables]]


def assert_same(model, other):
    for one, two in zip(everything(model), everything(other), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("scaled", [False, True])
def test_everything_comes_back_and_training_goes_on_the_same(scaled):
    model = steps(network(scaled=scaled), 3)
    model.optimizer.learning_rate = 0.03125
    inner = model.optimizer.inner_optimizer if scaled else model.optimizer
    inner.rate_factors["fc6/bias"].assign(0.25)
    other = network(seed=2, scaled=scaled)
    restore(other, capture(model), "it")
    assert_same(model, other)
    assert int(other.optimizer.iterations) == 3
    assert float(other.optimizer.learning_rate) == 0.03125
    assert_same(steps(model, 2), steps(other, 2))


def test_the_names_are_canonical():
    names = {
        *("model/fc6/kernel", "model/fc6/bias", "model/fc8/kernel", "model/fc8/bias"),
        *("model/drop6/counter", "optimizer/iteration", "optimizer/learning_rate"),
    }
    for weight in ("fc6/kernel", "fc6/bias", "fc8/kernel", "fc8/bias"):
        names |= {
            *(f"optimizer/velocity/{weight}", f"optimizer/rate_factor/{weight}_factor"),
        }
    assert set(capture(network())) == names
    scaled = set(capture(network(scaled=True)))
    assert {name.rsplit("/", 1)[0] for name in scaled - names} == {
        "optimizer/loss_scale"
    }
    assert {"optimizer/loss_scale/dynamic_scale"} <= scaled


@pytest.mark.parametrize("scaled", [False, True])
def test_every_variable_is_in_it_once(scaled):
    model = network(scaled=scaled)
    held = [id(variable) for variable in state_variables(model).values()]
    everywhere = {
        id(v)
        for source in (model, model.optimizer)
        for v in source.variables
        if "metrics" not in v.path and v.path.split("/")[0] not in ("loss", "error")
    }
    assert len(held) == len(set(held))
    assert set(held) == everywhere


def test_velocities_and_dropout_counter_are_in_it():
    arrays = capture(steps(network(), 4))
    assert np.any(arrays["optimizer/velocity/fc6/kernel"] != 0)
    np.testing.assert_array_equal(arrays["model/drop6/counter"], [5, 4])


def test_it_is_a_copy():
    model = steps(network(), 1)
    arrays = capture(model)
    before = {name: array.copy() for name, array in arrays.items()}
    steps(model, 2)
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, before[name])
    assert not np.array_equal(arrays["model/fc8/bias"], model.get_layer("fc8").bias)


def test_another_network_is_refused_by_the_name_of_the_variable():
    model = network(units=8)
    before = everything(model)
    with pytest.raises(UserError, match="another network") as error:
        restore(model, capture(network()), "Checkpoint 7")
    assert str(error.value).startswith("Checkpoint 7 belongs")
    assert "model/fc6/bias of shape (8,), found (400,)" in str(error.value)
    for one, two in zip(before, everything(model), strict=True):
        np.testing.assert_array_equal(one, two)


def test_another_optimizer_is_refused():
    with pytest.raises(UserError, match="optimizer/loss_scale"):
        restore(network(scaled=True), capture(network()), "it")


def test_sums_go_on_in_another_process():
    """Metrics after three batches, the sums of two taken from another model."""
    whole, first, second = (network(seed=1) for _ in range(3))
    for model in (whole, first):
        model.reset_metrics()
        steps(model, 2)
    sums = read_sums(first)
    assert set(sums) >= {"metrics/loss/total", "metrics/loss/count"}
    assert {value.shape for value in sums.values()} == {(1,)}
    restore(second, capture(first), "it")
    write_sums(second, sums)  # Keras has not made the variables of its metrics yet
    for model in (whole, second):
        steps(model, 1)
    results = whole.get_metrics_result()
    assert len(results) == 2
    assert second.get_metrics_result() == results
    assert float(results["loss"]) != float(first.get_metrics_result()["loss"])


def test_sums_of_more_replicas_are_added_up():
    model = steps(network(), 1)
    sums = {name: np.repeat(value, 4) for name, value in read_sums(model).items()}
    write_sums(model, sums)
    for name, value in read_sums(model).items():
        np.testing.assert_array_equal(value, [sums[name].sum()])


# Whole, interrupted and resumed, and gone on with on one device; a strategy wants a
# process of its own.
SCRIPT = """
import json, sys
import numpy as np
from pathlib import Path
from keras_alexnet.training.state.checkpoint import newest_checkpoint
from keras_alexnet.training.devices.plan import ONE_DEVICE, plan_devices
from keras_alexnet.training.state.saving import Saving
from tests import small

folder, data, strategy = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
plan = plan_devices(strategy, logical_devices=2)
own = Saving.on_train_batch_end

class Kill(Exception):
    pass

def killed(run, plan):
    def watched(self, *arguments, **named):
        own(self, *arguments, **named)
        if (self.progress.epoch, self.progress.step) == (1, 2):
            raise Kill
    Saving.on_train_batch_end = watched
    try:
        small.train(data, run, plan=plan, save_every=1)
    except Kill:
        pass
    else:
        raise AssertionError("it was not interrupted")
    finally:
        Saving.on_train_batch_end = own

def end(run):
    saved = newest_checkpoint(run / "checkpoints")
    for row in saved.state["history"]:
        del row["seconds"]
    return saved.arrays, saved.state["history"]

def gap(one, other):
    assert set(one) == set(other), set(one) ^ set(other)
    gaps = []
    for name, value in one.items():
        largest = max(np.abs(value).max(), 1e-12)
        gaps.append(float(np.abs(value - other[name].astype("f8")).max() / largest))
    return max(gaps)

whole, part, moved = folder / "whole", folder / "part", folder / "moved"
small.train(data, whole, plan=plan, save_every=1)
for run, second in ((part, plan), (moved, ONE_DEVICE)):
    killed(run, plan)
    small.resume(run, plan=second)
ends = [end(run) for run in (whole, part, moved)]
print(json.dumps({
    "same": gap(ends[0][0], ends[1][0]),
    "rows_same": ends[0][1] == ends[1][1],
    "moved": gap(ends[0][0], ends[2][0]),
    "val_errors": [row["val_error"] for _, rows in ends for row in rows],
}))
"""


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["mirrored", "towers"])
def test_resumed_with_a_strategy_and_with_another(dataset, tmp_path, strategy):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path), str(dataset), strategy],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["same"] == 0 and figures["rows_same"]
    # On one device from there on, for at most two epochs of 4 steps.
    assert figures["moved"] < training_bound("float32", small.TERMS, steps=8)
