import inspect
import warnings

import numpy as np
import tensorflow as tf
from keras.src.testing import TestCase

from tests.reference import UNIT, rounding_bound

POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")


def norm_bound(policy, terms):
    """Bound what rounding does to a response normalisation and to its gradient.

    All is float32 (or float64), and the result is rounded to the computing type. The
    output takes ten roundings beside the window's sum: square, alpha, bias, the two
    roots (2 each) and their product, the product with x. The gradient as many again.
    """
    computed = "float64" if policy == "float64" else "float32"
    own = UNIT[policy.removeprefix("mixed_")]
    return rounding_bound(computed, terms, steps=20) + own


def forward_and_gradients(layer, x, upstream, jit_compile=None, **options):
    """Return the output and the gradients of sum(upstream * output): input, weights.

    With `jit_compile` True or False it runs as a compiled or an ordinary graph.
    """
    x = tf.convert_to_tensor(x)

    def run(x, upstream):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, **options)
            total = tf.reduce_sum(tf.cast(y, tf.float32) * upstream)
        weights = [variable.value for variable in layer.trainable_variables]
        return y, *tape.gradient(total, [x, *weights])

    if not layer.built:
        layer.build(x.shape)
    if jit_compile is not None:
        run = tf.function(run, jit_compile=jit_compile)
    return [tf.cast(t, tf.float32).numpy() for t in run(x, tf.constant(upstream))]


def reload(layer, x, folder):
    """Save a model of one layer as .keras; return it and what comes back."""
    import keras

    inputs = keras.Input(x.shape[1:])
    model = keras.Model(inputs, layer(inputs))
    model.save(folder / "model.keras")
    return model, keras.models.load_model(folder / "model.keras")


def check_keras_contract(kind, options, shape, expected, losses=0):
    """Ask of a layer what Keras asks of its own: saving, precision, training, shapes.

    Args:
        kind: The layer's class.
        options: Its arguments.
        shape: Of the input, with the batch.
        expected: Shape of the output.
        losses: How many regularisers it has.
    """
    with warnings.catch_warnings():
        # It trains from a generator, and some layers have nothing to train.
        for known in ("`shuffle=True` was passed", "The model does not have any"):
            warnings.filterwarnings("ignore", known, UserWarning)
        TestCase().run_layer_test(
            kind,
            init_kwargs=options,
            input_shape=shape,
            expected_output_shape=expected,
            expected_num_losses=losses,
        )


def check_positional(kind, parent):
    """Check that what is given without a name means what it means in the parent."""

    def positional(cls):
        kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD,)
        parameters = inspect.signature(cls.__init__).parameters.values()
        return [p.name for p in parameters if p.kind in kinds][1:]

    own, theirs = positional(kind), positional(parent)
    count = min(len(own), len(theirs))
    assert own[:count] == theirs[:count]


def whole_numbers(shape, seed):
    """-1, 0 and 1, whose sums here are exact in every precision."""
    return np.random.default_rng(seed).integers(-1, 2, shape).astype("float32")
