import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.layers import (
    InMapResponseNormalization,
    LocalResponseNormalization,
    compiled_norm,
)
from keras_alexnet.layers.kernel_forms import NATIVE, use_forms
from tests.keras_alexnet.layers.conftest import (
    POLICIES,
    forward_and_gradients,
    norm_bound,
)
from tests.reference import (
    in_map_norm,
    in_map_norm_gradient,
    lrn,
    lrn_gradient,
    relative,
)
from tests.tools import logical_devices

SHAPE = (3, 5, 6, 16)
ACROSS, IN_MAPS = (2, 2.0, 1e-4, 0.75), (5, 1.0, 4e-5, 0.75)
# Layer, output, gradient, terms of its window's sum.
NORMS = {
    "channels": (
        lambda **named: LocalResponseNormalization(*ACROSS, **named),
        lambda x: lrn(x, *ACROSS),
        lambda x, upstream: lrn_gradient(x, upstream, *ACROSS),
        5,
    ),
    "towers": (
        lambda **named: LocalResponseNormalization(*ACROSS, groups=2, **named),
        lambda x: lrn(x, *ACROSS, 2),
        lambda x, upstream: lrn_gradient(x, upstream, *ACROSS, 2),
        5,
    ),
    "beyond all channels": (
        lambda **named: LocalResponseNormalization(20, *ACROSS[1:3], 0.6, **named),
        lambda x: lrn(x, 20, *ACROSS[1:3], 0.6),
        lambda x, upstream: lrn_gradient(x, upstream, 20, *ACROSS[1:3], 0.6),
        16,
    ),
    "maps": (
        lambda **named: InMapResponseNormalization(*IN_MAPS, **named),
        lambda x: in_map_norm(x, *IN_MAPS),
        lambda x, upstream: in_map_norm_gradient(x, upstream, *IN_MAPS),
        25,
    ),
}


@pytest.fixture
def small_ones_too(monkeypatch):
    monkeypatch.setattr(compiled_norm, "LEAST_NUMBERS", 1)


def normal(seed, scale=100.0, shape=SHAPE):
    values = np.random.default_rng(seed).normal(size=shape) * scale
    return values.astype(np.float32)


def compiled_calls(function, *inputs):
    """The operations, within functions too, that XLA is told to compile."""
    graph = tf.function(function).get_concrete_function(*inputs).graph.as_graph_def()
    nodes = [
        *graph.node,
        *(node for f in graph.library.function for node in f.node_def),
    ]
    calls = [node.attr["f"].func for node in nodes if "PartitionedCall" in node.op]
    functions = {f.signature.name: f for f in graph.library.function}
    return [
        call.name for call in calls if functions[call.name].attr["_XlaMustCompile"].b
    ]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", NORMS)
def test_output_and_gradient_are_those_of_the_formula(small_ones_too, name, policy):
    make, output, slope, terms = NORMS[name]
    layer = make(dtype=policy)
    # Squares of these overflow float16.
    x, upstream = normal(1, scale=1000), np.sign(normal(2))
    kept = tf.cast(tf.cast(x, layer.compute_dtype), tf.float32).numpy()
    y, gradient = forward_and_gradients(layer, x, upstream, jit_compile=False)
    assert layer(x).dtype == layer.compute_dtype
    assert relative(y, output(kept)) < norm_bound(policy, terms)
    assert relative(gradient, slope(kept, upstream)) < norm_bound(policy, terms)


@pytest.mark.parametrize("name", NORMS)
def test_float64_keeps_its_precision(small_ones_too, name):
    make, output, _, terms = NORMS[name]
    x = normal(3).astype(np.float64)
    y = make(dtype="float64")(x)
    assert relative(y, output(x)) < norm_bound("float64", terms)


@pytest.mark.parametrize("name", ["channels", "maps"])
def test_a_picture_has_the_same_bits_in_every_batch(small_ones_too, name):
    layer = NORMS[name][0]()
    x, upstream = normal(4), normal(5)
    together = forward_and_gradients(layer, x, upstream)
    alone = forward_and_gradients(layer, x[1:2], upstream[1:2])
    for all_of_them, one in zip(together, alone, strict=True):
        np.testing.assert_array_equal(all_of_them[1:2], one)


@pytest.mark.parametrize("name", ["channels", "maps"])
def test_it_can_be_differentiated_twice(small_ones_too, name, monkeypatch):
    layer = NORMS[name][0](dtype="float64")
    x = tf.constant(normal(6).astype(np.float64))

    def curvature():
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = tf.reduce_sum(layer(x) ** 2)
            slope = tf.reduce_sum(inner.gradient(y, x) ** 2)
        return outer.gradient(slope, x)

    compiled = curvature()
    monkeypatch.setattr(compiled_norm, "LEAST_NUMBERS", 10**9)
    # Each differentiation has twice the roundings of what it differentiates.
    assert relative(compiled, curvature()) < 4 * norm_bound("float64", 25)


def test_large_batches_that_are_known_are_compiled():
    large, small = tf.zeros((16, 64, 64, 16)), tf.zeros((15, 64, 64, 16))
    layers = [LocalResponseNormalization(), InMapResponseNormalization()]
    for layer in layers:
        assert compiled_calls(layer, large)
        assert not compiled_calls(layer, small)
        assert not compiled_calls(layer, tf.TensorSpec((None, *large.shape[1:])))
        with use_forms(NATIVE):
            assert not compiled_calls(layer, large)


@pytest.mark.parametrize("device", ["GPU:0", "TPU:0"])
def test_on_other_devices_and_inside_xla_nothing_is(device):
    seen = []

    @tf.function(jit_compile=True)
    def whole(x):
        seen.append(compiled_norm.compiles(x))
        return x

    large = tf.zeros((16, 64, 64, 16))
    whole.get_concrete_function(large)
    assert compiled_norm.compiles(large)
    with tf.device(device):
        seen.append(compiled_norm.compiles(tf.TensorSpec(large.shape)))
    assert seen == [False, False]


def test_layers_that_are_alike_share_what_is_compiled(small_ones_too):
    def calls(layer):
        return compiled_calls(layer, tf.zeros(SHAPE))

    first = calls(LocalResponseNormalization(2, 1.5, 3e-4))
    assert calls(LocalResponseNormalization(2, 1.5, 3e-4)) == first
    assert not set(calls(LocalResponseNormalization(2, 1.5, 4e-4))[1:]) & {*first}


def test_an_exported_model_needs_no_xla(small_ones_too, tmp_path):
    inputs = keras.Input(SHAPE[1:])
    across = LocalResponseNormalization()(inputs)
    model = keras.Model(inputs, InMapResponseNormalization()(across))
    model(normal(7))  # compiled, and not kept
    model.export(tmp_path / "model", verbose=False)
    answer = tf.saved_model.load(str(tmp_path / "model")).signatures["serving_default"]
    assert not compiled_calls(lambda x: answer(x), tf.TensorSpec((None, *SHAPE[1:])))


def test_its_gradient_bears_the_name_of_the_layer(small_ones_too):
    layer = LocalResponseNormalization(name="norm1")

    @tf.function
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
        return tape.gradient(y, x)

    graph = gradient.get_concrete_function(tf.constant(normal(8))).graph
    calls = [o.name for o in graph.get_operations() if "PartitionedCall" in o.type]
    assert [name for name in calls if name.startswith("norm1")] == calls[:2]
    backwards = [name for name in calls if name.startswith("gradient_tape/norm1")]
    assert backwards == calls[2:] and len(backwards) == 3


ON_TWO_DEVICES = """
from keras_alexnet.layers import LocalResponseNormalization, compiled_norm

compiled_norm.LEAST_NUMBERS = 1
layer = LocalResponseNormalization()
x = np.random.default_rng(0).normal(size=(4, 5, 6, 16)).astype("float32")


def slope(x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
    return y, tape.gradient(y, x)


def on(device):
    with tf.device(device):
        return slope(tf.constant(x))


@tf.function
def of_replicas(batch):
    return strategy.run(slope, args=(batch,))


alone, other = on("CPU:0"), on("CPU:1")
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
halves = strategy.experimental_distribute_values_from_function(
    lambda context: tf.constant(np.split(x, 2)[context.replica_id_in_sync_group])
)
locals_of = strategy.experimental_local_results
parts = [tf.concat(locals_of(each), 0) for each in of_replicas(halves)]
result = {
    "devices": [tensor.device[-5:] for tensor in other],
    "same": [bool(np.all(a == b)) for a, b in zip(alone, other)],
    "replicas": [bool(np.all(a == b)) for a, b in zip(alone, parts)],
}
"""


def test_every_device_and_replica_computes_the_same_bits():
    found = logical_devices.run(ON_TWO_DEVICES)
    assert found["devices"] == ["CPU:1", "CPU:1"]
    assert found["same"] == found["replicas"] == [True, True]
