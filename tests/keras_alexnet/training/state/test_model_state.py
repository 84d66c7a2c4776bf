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
from tfrecords.errors import DatasetError

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
    with pytest.raises(DatasetError, match="another network") as error:
        restore(model, capture(network()), "Checkpoint 7")
    assert str(error.value).startswith("Checkpoint 7 belongs")
    assert "model/fc6/bias of shape (8,), found (400,)" in str(error.value)
    for one, two in zip(before, everything(model), strict=True):
        np.testing.assert_array_equal(one, two)


def test_another_optimizer_is_refused():
    with pytest.raises(DatasetError, match="optimizer/loss_scale"):
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
