"""Whether a network still computes with numbers."""

import keras
import numpy as np
import tensorflow as tf

PROBES = 2  # pictures of noise that are sent through


def find_not_finite(model: keras.Model) -> str | None:
    """Say what of a network is NaN or infinite: a weight, or a layer's output.

    Scores alone do not tell: a rectifier may turn NaN into 0, and does in the graphs
    that oneDNN computes. So pictures of noise are sent through layer by layer, which
    also finds finite weights whose activations overflow.

    Args:
        model: A functional model from images `(batch, size, size, 3)` of 0-255 scale
            with the mean subtracted.

    Returns:
        Such as `the weight fc8/bias` or `the output of conv3`; None if all is finite.
    """
    for weight in model.weights:
        if not all_finite(weight.value):
            return f"the weight {weight.path}"
    noise = np.random.default_rng(0).uniform(
        -128, 128, (PROBES, *model.input_shape[1:])
    )
    outputs = {layer.name: layer.output for layer in model.layers}
    answers = keras.Model(model.input, outputs)(noise.astype("float32"), training=False)
    for name, output in answers.items():
        if not all_finite(output):
            return f"the output of {name}"
    return None


def all_finite(values: tf.Tensor) -> bool:
    """Return whether a tensor holds neither NaN nor infinity; integers do not."""
    values = tf.convert_to_tensor(values)
    if not values.dtype.is_floating:
        return True
    return bool(tf.reduce_all(tf.math.is_finite(values)))
