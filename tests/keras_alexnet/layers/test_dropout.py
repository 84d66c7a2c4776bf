from types import SimpleNamespace
from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.layers import InvertedDropout, OriginalDropout
from keras_alexnet.layers.dropout import draw_mask
from keras_alexnet.layers.kernel_forms import NATIVE, use_forms
from tests.keras_alexnet.layers.conftest import (
    POLICIES,
    check_keras_contract,
    check_positional,
    forward_and_gradients,
    reload,
)
from tests.reference import original_dropout, rounding_bound
from tests.tools import fork_server

ONES = np.ones((100, 400), np.float32)


@pytest.fixture
def x():
    """Numbers without a zero, so that a zero in the output was dropped."""
    values = np.random.default_rng(1).uniform(1, 2, (20, 50)).astype(np.float32)
    values[::2] *= -1
    return values


@pytest.mark.parametrize("rate", [0.5, 0.2])
def test_training_multiplies_by_zero_or_one(x, rate):
    y = OriginalDropout(rate, seed=1)(x, training=True).numpy()
    mask = y != 0
    assert mask.any() and not mask.all()
    np.testing.assert_array_equal(y, original_dropout(x, rate, mask))


@pytest.mark.parametrize("rate", [0.5, 0.2])
def test_any_other_pass_multiplies_by_the_chance_to_survive(x, rate):
    layer = OriginalDropout(rate)
    expected = original_dropout(x.astype(np.float64), rate)
    limit = rounding_bound("float32")
    np.testing.assert_allclose(layer(x, training=False), expected, rtol=limit)
    np.testing.assert_array_equal(layer(x), layer(x, training=False))


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_the_dropped_fraction_is_the_rate(rate):
    dropped = OriginalDropout(rate, seed=2)(ONES, training=True).numpy() == 0
    spread = np.sqrt(rate * (1 - rate) / ONES.size)
    assert abs(dropped.mean() - rate) < 4 * spread
    # Not whole rows or columns at once.
    assert np.abs(dropped.mean(0) - rate).max() < 6 * spread * np.sqrt(400)
    assert np.abs(dropped.mean(1) - rate).max() < 6 * spread * np.sqrt(100)


def test_a_rate_of_zero_changes_nothing(x):
    layer = OriginalDropout(0)
    for training in (True, False):
        np.testing.assert_array_equal(layer(x, training=training), x)


def test_the_gradient_passes_where_the_unit_survived(x):
    upstream = np.full(x.shape, 3.0, np.float32)
    y, gradient = forward_and_gradients(
        OriginalDropout(seed=3), x, upstream, training=True
    )
    np.testing.assert_array_equal(gradient, np.where(y != 0, 3.0, 0.0))
    _, gradient = forward_and_gradients(OriginalDropout(), x, upstream)
    np.testing.assert_array_equal(gradient, np.full(x.shape, 1.5))


def masks(layer, count=3):
    return [layer(ONES, training=True).numpy() for _ in range(count)]


def test_the_seed_gives_the_whole_sequence_of_masks():
    first, again = masks(OriginalDropout(seed=7)), masks(OriginalDropout(seed=7))
    np.testing.assert_array_equal(first, again)
    assert (first[0] != masks(OriginalDropout(seed=8))[0]).mean() > 0.4


def test_every_training_pass_has_a_mask_of_its_own():
    first, second, third = masks(OriginalDropout(seed=7))
    for one, two in [(first, second), (second, third), (first, third)]:
        assert (one != two).mean() > 0.4


def test_only_training_passes_advance_the_counter(x):
    layer, other = OriginalDropout(seed=7), OriginalDropout(seed=7)
    layer(x)
    layer(x, training=False)
    np.testing.assert_array_equal(masks(layer), masks(other))


def test_the_counter_can_be_saved_and_set():
    layer = OriginalDropout(seed=7)
    masks(layer)
    state = [variable.numpy() for variable in layer.variables]
    later = masks(layer)
    other = OriginalDropout(seed=7)
    for variable, value in zip(other.variables, state, strict=True):
        variable.assign(value)
    np.testing.assert_array_equal(masks(other), later)


def test_the_counter_is_a_variable_and_not_a_weight():
    layer = OriginalDropout(seed=7)
    assert [v.name for v in layer.variables] == ["seed_generator_state"]
    assert layer.weights == [] and layer.trainable_variables == []


def graph_masks(jit_compile):
    layer = OriginalDropout(seed=7)
    graph = tf.function(lambda x: layer(x, training=True), jit_compile=jit_compile)
    return [graph(ONES).numpy() for _ in range(3)]


def test_a_graph_draws_the_masks_of_eager_execution():
    np.testing.assert_array_equal(graph_masks(False), masks(OriginalDropout(seed=7)))


def test_a_compiled_graph_draws_a_sequence_of_its_own():
    # XLA has another generator.
    first, second, third = graph_masks(True)
    np.testing.assert_array_equal([first, second, third], graph_masks(True))
    assert (first != second).mean() > 0.4 and (second != third).mean() > 0.4
    assert abs(first.mean() - 0.5) < 0.01


@pytest.mark.parametrize("policy", POLICIES)
def test_every_precision_draws_the_same_masks(policy, x):
    layer = OriginalDropout(seed=7, dtype=policy)
    kept = tf.cast(x, layer.compute_dtype)
    y = layer(x, training=True)
    assert y.dtype == layer.compute_dtype
    mask = OriginalDropout(seed=7)(np.ones_like(x), training=True)
    expected = tf.where(mask > 0, kept, tf.zeros_like(kept))
    np.testing.assert_array_equal(tf.cast(y, "float32"), tf.cast(expected, "float32"))
    np.testing.assert_array_equal(
        tf.cast(layer(x), "float32"), tf.cast(kept, "float32") / 2
    )


def test_a_model_trains_with_masks_and_predicts_without():
    inputs = keras.Input((400,))
    outputs = keras.layers.Dense(1, kernel_initializer="ones")(
        OriginalDropout(0.5, seed=7)(inputs)
    )
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.SGD(0.0), "mean_absolute_error", jit_compile=False)
    survivors = OriginalDropout(0.5, seed=7)(ONES, training=True)
    expected = float(tf.reduce_mean(tf.reduce_sum(survivors, axis=1)))
    nothing = np.zeros((100, 1))
    limit = rounding_bound("float32", 400 + 100)  # a row, then the mean of the rows
    assert model.train_on_batch(ONES, nothing) == pytest.approx(expected, rel=limit)
    assert model.test_on_batch(ONES, nothing) == pytest.approx(200, rel=limit)


def test_a_saved_layer_comes_back_the_same(tmp_path, x):
    layer = OriginalDropout(0.3, seed=5, name="drop6")
    model, again = reload(layer, x, tmp_path)
    assert again.get_layer("drop6").get_config() == layer.get_config()
    np.testing.assert_array_equal(again(x), model(x))
    np.testing.assert_array_equal(again(x, training=True), model(x, training=True))


@pytest.mark.parametrize("rate", [-0.1, 1, 1.5, float("nan")])
def test_bad_rates_are_refused_with_what_arrived(rate):
    with pytest.raises(ValueError, match=f"Received: {rate}"):
        OriginalDropout(rate)


# Masks of a layer of seed 7 over ones of (6, 20), packed into bits. As they were before
# there were replicas: a run from then goes on as it would have.
VECTORS = {
    "float32": [
        "d5ec4b2f6620e716612601f66568b0",
        "5e67ab07db1a2ed0befa6b818703ab",
        "2bcc9c44298650164ea745046e8848",
    ],
    "mixed_bfloat16": [
        "abcff2137a41d41acbda3802e2ebaf",
        "3882b7ea3fc911390265b57b5aac05",
        "8c6d18e2a7fa2b0418f064625f6ef9",
    ],
}


@pytest.mark.parametrize(
    ("kind", "policy", "vectors"),
    [
        (OriginalDropout, "float32", "float32"),
        (OriginalDropout, "mixed_bfloat16", "float32"),
        (InvertedDropout, "float32", "float32"),
        (InvertedDropout, "mixed_bfloat16", "mixed_bfloat16"),
    ],
)
def test_masks_are_what_they_always_were(kind, policy, vectors):
    layer = kind(seed=7, dtype=policy)
    ones = np.ones((6, 20), np.float32)
    masks = [
        tf.cast(layer(ones, training=True), "float32").numpy() > 0 for _ in range(3)
    ]
    assert [np.packbits(mask).tobytes().hex() for mask in masks] == VECTORS[vectors]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("rate", [0, 0.3, 0.5])
def test_inverted_dropout_on_one_replica_is_that_of_keras(x, rate, policy):
    own = InvertedDropout(rate, seed=3, dtype=policy)
    keras_own = keras.layers.Dropout(rate, seed=3, dtype=policy)
    for _ in range(2):
        first, second = (layer(x, training=True) for layer in (own, keras_own))
        assert first.dtype == second.dtype
        np.testing.assert_array_equal(
            tf.cast(first, "float32"), tf.cast(second, "float32")
        )
    np.testing.assert_array_equal(own(x), keras_own(x))


def test_a_saved_inverted_layer_comes_back_the_same(tmp_path, x):
    layer = InvertedDropout(0.3, seed=5, columns=(50, 100), name="drop6")
    model, again = reload(layer, x, tmp_path)
    assert again.get_layer("drop6").get_config() == layer.get_config()
    np.testing.assert_array_equal(again(x, training=True), model(x, training=True))


@pytest.mark.parametrize("kind", [OriginalDropout, InvertedDropout])
@pytest.mark.parametrize("shape", [(6, 20), (6, 3, 3, 20)])
def test_parts_of_a_layer_have_the_columns_of_its_mask(kind, shape):
    ones = np.ones(shape, np.float32)
    whole = kind(seed=7)(ones, training=True).numpy()
    parts = [
        kind(seed=7, columns=(first, 20))(ones[..., :size], training=True).numpy()
        for first, size in ((0, 12), (12, 8))
    ]
    np.testing.assert_array_equal(np.concatenate(parts, axis=-1), whole)


@pytest.mark.parametrize("columns", [(-1, 5), (5, 5)])
def test_columns_that_are_not_there_are_refused(columns):
    with pytest.raises(ValueError, match="0 <= first < total"):
        OriginalDropout(columns=columns)


REPLICAS = """
import numpy as np
import sys
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
parts = [tf.config.LogicalDeviceConfiguration() for _ in range(4)]
tf.config.set_logical_device_configuration(cpu, parts)
from keras_alexnet.layers import InvertedDropout, OriginalDropout
from keras_alexnet.layers.dropout import draw_mask
from keras_alexnet.layers.kernel_forms import NATIVE, use_forms
strategy = tf.distribute.MirroredStrategy([f"CPU:{n}" for n in range(4)])
found = {}
for kind in (OriginalDropout, InvertedDropout):
    with strategy.scope():
        layer = kind(0.5, seed=7)
    step = tf.function(lambda x: strategy.run(lambda y: layer(y, training=True), (x,)))
    ones = strategy.experimental_distribute_values_from_function(
        lambda context: tf.ones((3, 20))
    )
    masks = [step(ones).values for _ in range(3)]
    found[kind.__name__] = [np.concatenate([v.numpy() for v in m]) for m in masks]
    found[kind.__name__ + " state"] = layer.variables[0].value.numpy()
np.savez(sys.argv[1], **found)
"""


def test_replicas_have_their_rows_of_the_mask_of_the_global_batch(tmp_path):
    done = fork_server.run(REPLICAS, tmp_path / "masks.npz")
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "masks.npz") as found:
        for kind in (OriginalDropout, InvertedDropout):
            layer = kind(0.5, seed=7)
            expected = [layer(ONES[:12, :20], training=True) for _ in range(3)]
            np.testing.assert_array_equal(found[kind.__name__], expected)
            state = layer.variables[0].numpy()
            np.testing.assert_array_equal(found[f"{kind.__name__} state"], state)


PICTURES = (2, 7, 7, 4)
TIMES = np.ones((20, 5, 10), np.float32)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (InvertedDropout, {"noise_shape": (None, 1, None, None)}),
        (OriginalDropout, {}),
    ],
)
def test_it_does_what_keras_asks_of_a_layer(kind, options):
    check_keras_contract(kind, {"rate": 0.2, **options}, PICTURES, PICTURES)


def test_what_is_given_without_a_name_means_what_it_means_in_keras():
    check_positional(InvertedDropout, keras.layers.Dropout)


@pytest.mark.parametrize(
    "noise_shape", [(None, 1, None), (20, 1, 10), [1, None, 1], (None, None, None)]
)
@pytest.mark.parametrize("policy", POLICIES)
def test_a_shared_mask_is_that_of_keras(noise_shape, policy):
    ours, theirs = (
        kind(0.5, noise_shape, 7, dtype=policy)(TIMES, training=True)
        for kind in (InvertedDropout, keras.layers.Dropout)
    )
    np.testing.assert_array_equal(tf.cast(ours, "float32"), tf.cast(theirs, "float32"))
    again = InvertedDropout.from_config(InvertedDropout(0.5, noise_shape).get_config())
    assert again.noise_shape == tuple(noise_shape)


@pytest.mark.parametrize("bad", [(None, 1), "rows", (None, 0, None), 3])
def test_a_noise_shape_that_means_nothing_is_refused(bad):
    with pytest.raises(ValueError, match="noise_shape"):
        InvertedDropout(0.5, bad)(TIMES, training=True)


def test_the_papers_dropout_refuses_a_noise_shape():
    with pytest.raises(ValueError, match="noise_shape"):
        OriginalDropout(0.5, noise_shape=(None, 1, None))


def replica_masks(noise_shape, columns=None):
    """The mask of each of two replicas, and of one that has the whole batch."""
    masks = []
    for replica, count in ((0, 2), (1, 2), (0, 1)):
        context = mock.Mock(
            num_replicas_in_sync=count, replica_id_in_sync_group=tf.constant(replica)
        )
        layer = InvertedDropout(0.5, noise_shape, 7, columns)
        with mock.patch.object(
            tf.distribute, "get_replica_context", return_value=context
        ):
            rows = TIMES if count == 1 else TIMES[:10]
            masks.append(layer(rows, training=True).numpy())
    return masks


@pytest.mark.parametrize("noise_shape", [(None, 1, None), (1, None, None)])
@pytest.mark.parametrize("columns", [None, (10, 20)])
def test_replicas_take_their_rows_of_a_shared_mask(noise_shape, columns):
    first, second, whole = replica_masks(noise_shape, columns)
    np.testing.assert_array_equal(np.concatenate([first, second]), whole)
    assert (first == second).all() == (noise_shape[0] == 1)


def test_towers_share_a_mask_without_columns():
    layer = InvertedDropout(0.5, (None, None, 1), 7, (10, 20))
    expected = InvertedDropout(0.5, (None, None, 1), 7)
    actual = layer(TIMES, training=True)
    np.testing.assert_array_equal(actual, expected(TIMES, training=True))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("columns", [None, (50, 150)])
def test_masks_are_the_same_when_xla_compiles(x, dtype, columns):
    """Bit by bit: a draw that lies elsewhere would move the edge of the rate."""
    plain, compiled = (
        InvertedDropout(0.5, seed=3, columns=columns, dtype=dtype) for _ in range(2)
    )
    step = tf.function(lambda x: compiled(x, training=True), jit_compile=True)
    inputs = tf.cast(x, dtype)
    for _ in range(2):
        expected = plain(inputs, training=True)
        np.testing.assert_array_equal(step(inputs), expected)


def test_draws_are_the_same_when_xla_compiles():
    generators = [keras.random.SeedGenerator(5) for _ in range(2)]
    for dtype in (tf.float32, tf.bfloat16, tf.float16):
        inputs = tf.zeros((37, 129), dtype)
        plain = draw_mask(inputs, generators[0], None, dtype)
        draw = tf.function(draw_mask, jit_compile=True)
        np.testing.assert_array_equal(draw(inputs, generators[1], None, dtype), plain)
        assert plain.dtype == dtype


@pytest.mark.parametrize("seed", [(0, 0), (5, 1), (2**31 - 1, 4), (-7, -(2**31))])
@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16, tf.float16, tf.float64])
def test_draws_are_the_same_when_no_seed_goes_to_the_host(seed, dtype):
    generator = SimpleNamespace(next=lambda: tf.constant(seed, tf.int32))
    inputs = tf.zeros((37, 129), dtype)
    plain = draw_mask(inputs, generator, None, dtype)
    with use_forms(NATIVE):
        found = draw_mask(inputs, generator, None, dtype)
    np.testing.assert_array_equal(found, plain)
