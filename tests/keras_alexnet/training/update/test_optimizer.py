import pickle

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.src.backend.tensorflow.optimizer import TFOptimizer

from keras_alexnet.layers.kernel_forms import NATIVE, use_forms
from keras_alexnet.training.update.loss_scale import LossScale
from keras_alexnet.training.update.optimizer import CoupledSGD
from tests.keras_alexnet.training.conftest import check_sources
from tests.reference import paper_sgd_step, relative, rounding_bound, training_bound

STEPS, DROP = 400, 200
RATES = (2.0**-6, 2.0**-9)  # before and after the drop; exact in float32


def two_weights(dtype):
    """A kernel and a bias with starting values of order one."""
    values = np.random.default_rng(1).normal(size=(2, 3, 4))
    return [
        keras.Variable(values[0], dtype=dtype, name="kernel"),
        keras.Variable(values[1], dtype=dtype, name="bias"),
    ]


def steps_bound(dtype, steps, momentum=0.9):
    """Bound the roundings of all steps; the velocity repeats each 1 / (1 - m) times."""
    return rounding_bound(dtype, steps) / (1 - momentum)


def noise():
    return np.random.default_rng(2).normal(size=(STEPS, 2, 3, 4))


def gradients(weights, step_noise):
    return [0.3 * w + n for w, n in zip(weights, step_noise, strict=True)]


def run(optimizer, weights, steps=STEPS, compiled=False):
    """Take the steps with the drop of the rate in the middle, as one graph a step."""

    @tf.function(jit_compile=compiled)
    def step(step_noise):
        values = [w.value for w in weights]
        optimizer.apply(gradients(values, tf.unstack(step_noise)), weights)

    optimizer.build(weights)
    for index, step_noise in enumerate(noise()[:steps]):
        if index in (0, DROP):
            optimizer.learning_rate = RATES[index >= DROP]
        step(tf.constant(step_noise, weights[0].dtype))
    return [w.numpy() for w in weights]


def expected(bias_rate, momentum=0.9, decay=0.0005, steps=STEPS):
    """The same steps by section 5: no decay of biases, their rate times bias_rate."""
    weights = [w.numpy() for w in two_weights("float64")]
    velocities = [np.zeros((3, 4)), np.zeros((3, 4))]
    for index, step_noise in enumerate(noise()[:steps]):
        rate = RATES[index >= DROP]
        slopes = gradients(weights, step_noise)
        for i, (scale, own_decay) in enumerate([(1, decay), (bias_rate, 0)]):
            weights[i], velocities[i] = paper_sgd_step(
                weights[i], velocities[i], slopes[i], rate * scale, momentum, own_decay
            )
    return weights


@pytest.mark.parametrize("bias_rate", [1.0, 2.0])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_400_steps_with_a_drop_follow_the_paper(bias_rate, dtype):
    limit = steps_bound(dtype, STEPS)
    actual = run(CoupledSGD(bias_rate=bias_rate), two_weights(dtype))
    for a, b in zip(actual, expected(bias_rate), strict=True):
        np.testing.assert_allclose(a, b, rtol=limit, atol=limit)


@pytest.mark.parametrize("compiled", ["", "step", "update"])
@pytest.mark.parametrize("momentum", [0.9, 0.0])
def test_the_form_of_other_devices_follows_the_paper_too(momentum, compiled):
    limit = steps_bound("float64", STEPS, momentum)
    optimizer = CoupledSGD(bias_rate=2.0, momentum=momentum)
    optimizer.jit_compile = compiled == "update"
    with use_forms(NATIVE):
        actual = run(optimizer, two_weights("float64"), compiled=compiled == "step")
    for a, b in zip(actual, expected(2.0, momentum), strict=True):
        np.testing.assert_allclose(a, b, rtol=limit, atol=limit)


@pytest.mark.parametrize(("forms", "branches"), [(NATIVE, 0), (None, 2)])
def test_a_frozen_weight_stays_in_both_forms(forms, branches):
    weights = two_weights("float32")
    optimizer = CoupledSGD()
    chosen = tf.device("CPU:0") if forms is None else use_forms(forms)
    with chosen:
        run(optimizer, weights, steps=3)
        optimizer.rate_factors["kernel"].assign(0.0)
        kernel, velocity = weights[0].numpy(), optimizer.velocities[0].numpy()
        run(optimizer, weights, steps=3)
        step = tf.function(lambda slopes: optimizer.apply(slopes, weights))
        nans = [tf.fill((3, 4), np.float32(np.nan)), tf.ones((3, 4))]
        step(nans)
        graph = step.get_concrete_function(nans).graph
    np.testing.assert_array_equal(weights[0], kernel)
    np.testing.assert_array_equal(optimizer.velocities[0], velocity)
    assert np.isfinite(weights[1]).all()
    found = [each.type for each in graph.get_operations()]
    assert sum(kind in ("If", "StatelessIf") for kind in found) == branches


@pytest.mark.parametrize("momentum", [0.5, 1e-6, 0.0])
def test_momentum_and_decay_are_those_given(momentum):
    optimizer = CoupledSGD(momentum=momentum, decay=0.1)
    actual = run(optimizer, two_weights("float64"), steps=20)
    reference = expected(1, momentum=momentum, decay=0.1, steps=20)
    limit = steps_bound("float64", 20, momentum)
    for a, b in zip(actual, reference, strict=True):
        np.testing.assert_allclose(a, b, rtol=limit, atol=limit)


def test_the_velocity_is_not_rescaled_when_the_rate_drops():
    weight = keras.Variable([1.0], name="kernel")
    optimizer = CoupledSGD(0.5, momentum=0.5, decay=0.0)
    optimizer.apply([tf.constant([1.0])], [weight])  # v = -0.5
    optimizer.learning_rate = 0.0625
    optimizer.apply([tf.constant([0.0])], [weight])  # v = -0.25
    np.testing.assert_array_equal(weight, [1 - 0.5 - 0.25])


def test_the_decay_of_keras_is_another_rule():
    ours = two_weights("float64")
    stock = two_weights("float64")
    run(CoupledSGD(decay=0.05), ours, steps=100)
    run(keras.optimizers.SGD(momentum=0.9, weight_decay=0.05), stock, steps=100)
    assert np.abs(ours[0].numpy() - stock[0].numpy()).max() > 1e-2


def test_without_decay_it_is_the_momentum_of_keras():
    # Keras rounds the momentum to float32, whatever the weights are.
    ours = CoupledSGD(momentum=0.875, decay=0.0)
    stock = keras.optimizers.SGD(momentum=0.875)
    results = (run(o, two_weights("float64"), steps=50) for o in (ours, stock))
    for a, b in zip(*results, strict=True):
        limit = 2 * steps_bound("float64", 50, 0.875)  # both round
        np.testing.assert_allclose(a, b, rtol=limit, atol=limit)


def test_the_last_part_of_the_path_tells_a_bias():
    layer = keras.layers.Dense(2, name="bias", bias_initializer="ones")
    other = keras.layers.Dense(2, name="kernel", bias_initializer="ones")
    for dense in (layer, other):
        dense.build((None, 3))
    variables = layer.trainable_variables + other.trainable_variables
    assert [v.path for v in variables] == [
        *("bias/kernel", "bias/bias", "kernel/kernel", "kernel/bias")
    ]
    before = [v.numpy() for v in variables]
    optimizer = CoupledSGD(1.0, decay=0.25)
    optimizer.apply([tf.zeros(v.shape) for v in variables], variables)
    for variable, old in zip(variables, before, strict=True):
        kept = 0.75 if variable.name == "kernel" else 1.0
        np.testing.assert_allclose(variable, kept * old, rtol=rounding_bound("float32"))


def dense_model(optimizer, dtype="float32"):
    inputs = keras.Input((4,))
    dense = keras.layers.Dense(1, name="fc", dtype=dtype)
    model = keras.Model(inputs, dense(inputs))
    model.compile(optimizer, "mean_squared_error", jit_compile=False)
    values = np.random.default_rng(3).normal(size=(4, 1))
    dense.set_weights([values, np.ones(1)])
    return model


def test_inside_fit_it_follows_the_paper():
    model = dense_model(CoupledSGD(2.0**-5, decay=0.125, bias_rate=2.0))
    generator = np.random.default_rng(4)
    x, truth = generator.normal(size=(12, 4)), generator.normal(size=(12, 1))
    w, b = (value.astype(np.float64) for value in model.get_weights())
    v = u = 0.0
    for _ in range(2):
        for part in np.split(np.arange(12), 3):
            error = x[part] @ w + b - truth[part]
            slope = 2 * x[part].T @ error / 4
            w, v = paper_sgd_step(w, v, slope, 2.0**-5, decay=0.125)
            b, u = paper_sgd_step(b, u, 2 * error.mean(0), 2.0**-4, decay=0)
    model.fit(x, truth, batch_size=4, epochs=2, shuffle=False, verbose=0)
    kernel, bias = model.get_weights()
    limit = steps_bound("float32", 6 * 4)  # pictures are added up in each step
    np.testing.assert_allclose(kernel, w, rtol=limit, atol=limit)
    np.testing.assert_allclose(bias, b, rtol=limit, atol=limit)
    assert int(model.optimizer.iterations) == 6


def test_loss_scaling_changes_nothing_but_skips_overflows():
    plain, scaled = (two_weights("float32") for _ in range(2))
    optimizer = keras.optimizers.LossScaleOptimizer(CoupledSGD(0.5, bias_rate=2.0))
    optimizer.build(scaled)
    slopes = [tf.fill((3, 4), 0.25), tf.fill((3, 4), -0.5)]
    CoupledSGD(0.5, bias_rate=2.0).apply(slopes, plain)
    optimizer.apply([s * 2.0**15 for s in slopes], scaled)
    for a, b in zip(plain, scaled, strict=True):
        np.testing.assert_array_equal(a, b)
    state = [v.numpy() for v in optimizer.inner_optimizer.variables]
    optimizer.apply([slopes[0], tf.fill((3, 4), np.inf)], scaled)
    for a, b in zip(plain, scaled, strict=True):
        np.testing.assert_array_equal(a, b)
    for variable, old in zip(optimizer.inner_optimizer.variables, state, strict=True):
        np.testing.assert_array_equal(variable, old)
    assert float(optimizer.dynamic_scale) == 2.0**14


def test_mixed_float16_trains_inside_fit():
    optimizer = keras.optimizers.LossScaleOptimizer(CoupledSGD(0.01))
    model = dense_model(optimizer, dtype="mixed_float16")
    x = np.random.default_rng(5).normal(size=(8, 4))
    before = model.get_weights()
    history = model.fit(x, x.sum(1), epochs=5, verbose=0).history["loss"]
    assert history[-1] < history[0]
    for new, old in zip(model.get_weights(), before, strict=True):
        assert new.dtype == np.float32 and (new != old).all()


def test_its_configuration_holds_every_argument():
    arguments = {"momentum": 0.8, "decay": 0.1, "decays": {"fc8": 1.0}}
    arguments["bias_rate"] = 2.0
    optimizer = CoupledSGD(0.25, **arguments)
    config = optimizer.get_config()
    assert {**arguments, "learning_rate": 0.25}.items() <= config.items()
    serialized = keras.optimizers.serialize(optimizer)
    again = keras.optimizers.deserialize(serialized)
    assert isinstance(again, CoupledSGD)
    assert again.get_config() == config


def test_the_defaults_are_those_of_the_paper():
    config = CoupledSGD().get_config()
    assert config["learning_rate"] == pytest.approx(0.01)
    assert (config["momentum"], config["decay"], config["bias_rate"]) == (0.9, 5e-4, 1)


@pytest.mark.parametrize(
    "bad", [{"momentum": 1.0}, {"momentum": -0.1}, {"decay": -1}, {"bias_rate": -2}]
)
def test_bad_arguments_are_refused_by_name(bad):
    (name, value), *_ = bad.items()
    with pytest.raises(ValueError, match=f"{name}={value}"):
        CoupledSGD(**bad)


def test_a_layer_may_have_a_decay_of_its_own():
    """Of a weight by its layer, of conv1_a and conv1_b alike, and never of a bias."""
    named = [keras.layers.Dense(3, name=name) for name in ("conv1_a", "conv2", "fc8")]
    for layer in named:
        layer.build((None, 2))
    weights = [weight for layer in named for weight in layer.weights]
    for weight in weights:
        weight.assign(tf.fill(weight.shape, 4.0))
    decays = {"conv1": 0.0, "fc8": 0.5}
    optimizer = CoupledSGD(0.5, momentum=0.5, decay=0.125, decays=decays)
    optimizer.build(weights)
    for _ in range(3):
        optimizer.apply([tf.zeros(weight.shape) for weight in weights], weights)
    for weight in weights:
        layer = weight.path.split("/")[-2].removesuffix("_a")
        own = 0.0 if weight.path.endswith("bias") else decays.get(layer, 0.125)
        w, v = 4.0, 0.0
        for _ in range(3):
            w, v = paper_sgd_step(w, v, 0.0, 0.5, 0.5, own)
        np.testing.assert_allclose(weight.numpy(), w, rtol=1e-6)


def test_a_decay_below_0_is_refused():
    with pytest.raises(ValueError, match="decays={'fc8': -1}"):
        CoupledSGD(decays={"fc8": -1})


KERAS_STEPS = 7


def pair():
    values = np.random.default_rng(1).normal(size=(2, 3, 4)).astype("float32")
    return [keras.Variable(v, name=n) for v, n in zip(values, "ab", strict=True)]


def stepped(optimizer):
    """Take some steps, as one graph each; return the weights after each."""
    variables = pair()
    optimizer.build(variables)
    noise = (
        np.random.default_rng(2).normal(size=(KERAS_STEPS, 2, 3, 4)).astype("float32")
    )

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
    expected = stepped(keras.optimizers.SGD(**plain))
    # Two programs, some ten roundings a step: clipping, decay, momentum, average.
    limit = 2 * rounding_bound("float32", len(expected), steps=10 * len(expected))
    assert relative(stepped(ours), expected) < limit


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


def test_it_survives_pickling_and_its_state_can_be_set():
    optimizer = CoupledSGD(0.25, bias_rate=2.0, clipnorm=1.0, name="mine")
    again = pickle.loads(pickle.dumps(optimizer))
    assert again.get_config() == optimizer.get_config()
    assert again.name == "mine"
    stepped(optimizer)
    again.build(pair())
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


@pytest.mark.parametrize("wrap", [lambda o: o, LossScale], ids=["alone", "scaled"])
def test_a_weight_without_a_gradient_stays(wrap):
    variables = pair()
    before = [v.numpy() for v in variables]
    optimizer = wrap(CoupledSGD(0.5))
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        optimizer.apply([None, tf.ones((3, 4))], variables)
    np.testing.assert_array_equal(variables[0], before[0])
    assert (variables[1].numpy() != before[1]).all()


@pytest.mark.parametrize("wrap", [lambda o: o, LossScale], ids=["alone", "scaled"])
def test_some_of_the_weights_may_be_updated_alone(wrap):
    first, second = pair()
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
    scale, kernel = pair()
    scale.overwrite_with_gradient = True
    before = kernel.numpy()
    optimizer = wrap(CoupledSGD(0.5))
    optimizer.apply([tf.fill((3, 4), 3.0), tf.ones((3, 4))], [scale, kernel])
    np.testing.assert_array_equal(scale, np.full((3, 4), 3.0))
    assert (kernel.numpy() != before).all()


def test_keras_has_not_changed_what_it_rests_on():
    check_sources(
        "update/optimizer.py",
        {
            TFOptimizer._all_reduce_sum_gradients: "953512efa56c9680",
            TFOptimizer._backend_update_step: "00bd759c099a6b72",
            TFOptimizer.add_variable_from_reference: "fa3499082002f562",
        },
    )
