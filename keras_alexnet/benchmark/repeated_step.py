"""One training step on one batch, again and again."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from keras_alexnet.benchmark.stock import stock_copy
from keras_alexnet.models import alexnet
from keras_alexnet.presets import Preset

PICTURE_STD = 60.0  # grey levels, as spread out as pictures without their mean


def stock_network(
    preset: Preset,
    num_classes: int,
    weights: Callable[[keras.Model], object] = lambda model: None,
) -> keras.Model:
    """Compile the same network of parts that Keras and TensorFlow ship.

    Args:
        preset: Network and recipe; stock Keras knows no rate of the biases' own.
        num_classes: Outputs of the network.
        weights: Gives the network of ours, which is copied, its weights.
    """
    recipe = preset.recipe
    ours = alexnet(preset, num_classes, seed=0, dtype=recipe.precision)
    weights(ours)
    model = stock_copy(ours, recipe.decay)
    model.compile(
        keras.optimizers.SGD(recipe.learning_rate, momentum=recipe.momentum),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    return model


def noise(
    batch_size: int, input_size: int, num_classes: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return images float32 `(batch, size, size, 3)` and labels int64 `(batch,)`."""
    shape = (batch_size, input_size, input_size, 3)
    images = PICTURE_STD * tf.random.stateless_normal(shape, (0, 0))
    return images, tf.range(batch_size, dtype=tf.int64) % num_classes


def repeated_step(model: keras.Model, batch: tuple[Any, ...]) -> Callable[[], float]:
    """Return what trains on a batch once more at each call.

    It gives what Keras logs, the mean of the losses so far. No input pipeline takes
    part, and nothing of `fit` but the compiled step.

    Args:
        model: A compiled model; every call moves its weights.
        batch: Images and labels as `fit` takes them from a dataset.
    """
    model.make_train_function()
    stream = iter(tf.data.Dataset.from_tensors(batch).repeat())
    return lambda: float(model.train_function(stream)["loss"])
