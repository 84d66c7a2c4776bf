"""What Keras asks of its own optimizers and callbacks, asked of ours."""

import pickle

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.training.callbacks import RateLog, Scalars
from keras_alexnet.training.update.loss_scale import LossScale
from keras_alexnet.training.update.optimizer import CoupledSGD
from keras_alexnet.training.update.plateau import Plateau, learning_rate
from tests.reference import relative, rounding_bound, training_bound

STEPS = 7


def weights():
    values = np.random.default_rng(1).normal(size=(2, 3, 4)).astype("float32")
    return [keras.Variable(v, name=n) for v, n in zip(values, "ab", strict=True)]


def trained(optimizer):
    """Take some steps, as one graph each; return the weights after each."""
    variables = weights()
    optimizer.build(variables)
    noise = np.random.default_rng(2).normal(size=(STEPS, 2, 3, 4)).astype("float32")

    @tf.function
    def step(gradients):
        optimizer.apply(tf.unstack(gradients), variables)

    history = []
    for gradients in noise:
        step(tf.constant(gradients))
        history.append([v.numpy() for v in variables])
    return np.array(history)


@pytest.mark.parametrize(
    "options",
    [
        {"clipnorm": 0.5},
        {"clipvalue": 0.25},
        {"global_clipnorm": 0.5},
        {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 2},
        {"loss_scale_factor": 16.0},
        {"gradient_accumulation_steps": 3},
        {"gradient_accumulation_steps": 2, "clipnorm": 0.5, "weight_decay": 0.1},
        {"weight_decay": 0.25},
        {"learning_rate": keras.optimizers.schedules.ExponentialDecay(0.5, 2, 0.5)},
        {"learning_rate": lambda: 0.25},
    ],
    ids=lambda options: "-".join(options),
)
def test_each_argument_does_what_it_does_in_keras(options):
    ours = CoupledSGD(**{"learning_rate": 0.125, **options}, decay=0.0, momentum=0.875)
    plain = {"learning_rate": 0.125, **options, "momentum": 0.875}
    expected = trained(keras.optimizers.SGD(**plain))
    # Two programs, some ten roundings a step: clipping, decay, momentum, average.
    limit = 2 * rounding_bound("float32", len(expected), steps=10 * len(expected))
    assert relative(trained(ours), expected) < limit


def test_the_moving_average_is_what_a_fit_leaves_behind():
    results = []
    for kind in (CoupledSGD, keras.optimizers.SGD):
        keras.utils.set_random_seed(3)
        zero = {"decay": 0.0} if kind is CoupledSGD else {}
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        optimizer = kind(0.125, momentum=0.875, use_ema=True, **zero)
        model.compile(optimizer, "mean_squared_error", jit_compile=False)
        model.fit(np.eye(4), np.ones((4, 1)), epochs=2, verbose=0)
        results.append(model.get_weights())
    for ours, theirs in zip(*results, strict=True):
        assert relative(ours, theirs) < training_bound("float32", [4], steps=2)


def test_constraints_hold_after_a_step():
    variable = keras.Variable([-1.0, 2.0], name="kernel")
    variable.constraint = keras.constraints.NonNeg()
    CoupledSGD(0.5).apply([tf.zeros(2)], [variable])
    np.testing.assert_array_equal(variable.numpy() >= 0, [True, True])


@pytest.mark.parametrize("wrap", [lambda o: o, LossScale], ids=["alone", "scaled"])
def test_a_weight_without_a_gradient_stays(wrap):
    variables = weights()
    before = [v.numpy() for v in variables]
    optimizer = wrap(CoupledSGD(0.5))
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        optimizer.apply([None, tf.ones((3, 4))], variables)
    np.testing.assert_array_equal(variables[0], before[0])
    assert (variables[1].numpy() != before[1]).all()


@pytest.mark.parametrize("wrap", [lambda o: o, LossScale], ids=["alone", "scaled"])
def test_some_of_the_weights_may_be_updated_alone(wrap):
    first, second = weights()
    before = first.numpy(), second.numpy()
    optimizer = wrap(CoupledSGD(0.5))
    optimizer.build([first, second])
    optimizer.apply([tf.ones((3, 4))], [second])
    np.testing.assert_array_equal(first, before[0])
    assert (second.numpy() != before[1]).all()
    with pytest.raises(ValueError, match="Unknown variable"):
        optimizer.apply([tf.ones(2)], [keras.Variable(tf.ones(2), name="other")])


@pytest.mark.parametrize("wrap", [lambda o: o, LossScale], ids=["alone", "scaled"])
def test_a_weight_may_take_its_gradient_as_its_value(wrap):
    scale, kernel = weights()
    scale.overwrite_with_gradient = True
    before = kernel.numpy()
    optimizer = wrap(CoupledSGD(0.5))
    optimizer.apply([tf.fill((3, 4), 3.0), tf.ones((3, 4))], [scale, kernel])
    np.testing.assert_array_equal(scale, np.full((3, 4), 3.0))
    assert (kernel.numpy() != before).all()


def test_it_survives_pickling_and_its_state_can_be_set():
    optimizer = CoupledSGD(0.25, bias_rate=2.0, clipnorm=1.0, name="mine")
    again = pickle.loads(pickle.dumps(optimizer))
    assert again.get_config() == optimizer.get_config()
    assert again.name == "mine"
    trained(optimizer)
    again.build(weights())
    again.set_weights(optimizer.variables)
    for one, other in zip(again.variables, optimizer.variables, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"clipnorm": 1.0, "clipvalue": 1.0}, "clipvalue=1.0"),
        ({"gradient_accumulation_steps": 1}, "gradient_accumulation_steps=1"),
        ({"use_ema": True, "ema_momentum": 2.0}, "ema_momentum=2.0"),
        ({"nesterov": True}, "nesterov"),
        ({"learning_rate": "fast"}, "learning_rate=fast"),
    ],
)
def test_bad_arguments_are_refused_with_what_arrived(arguments, message):
    with pytest.raises(ValueError, match=message):
        CoupledSGD(**arguments)


@pytest.mark.parametrize("name", ["clipnorm", "weight_decay", "loss_scale_factor"])
def test_the_loss_scale_sends_arguments_to_the_inner_optimizer(name):
    with pytest.raises(ValueError, match=f"{name}.*inner_optimizer"):
        LossScale(CoupledSGD(), **{name: 1.0})


def fitted(optimizer, *callbacks):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(optimizer, "mean_squared_error", jit_compile=False)
    options = {"verbose": 0, "callbacks": list(callbacks), "batch_size": 2}
    return model, model.fit(np.eye(4), np.ones((4, 1)), **options)


@pytest.mark.parametrize(
    "rate", [keras.optimizers.schedules.ExponentialDecay(0.5, 1, 0.5), lambda: 0.125]
)
def test_the_rate_of_a_schedule_is_logged_and_refused_by_plateau(rate):
    model, history = fitted(CoupledSGD(rate), RateLog())
    assert history.history["learning_rate"] == [0.125]
    assert learning_rate(model) == 0.125
    with pytest.raises(ValueError, match="Plateau sets the learning rate"):
        fitted(CoupledSGD(rate), Plateau("loss"))


def test_scalars_take_a_folder_in_either_form(tmp_path):
    for folder in (tmp_path / "one", str(tmp_path / "two")):
        fitted(CoupledSGD(), Scalars(folder))
    written = [len(list(tmp_path.glob(f"{n}/tensorboard/*"))) for n in ("one", "two")]
    assert written == [1, 1]
