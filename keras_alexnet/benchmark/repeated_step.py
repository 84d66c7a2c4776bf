"""One training step on one batch, again and again."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf


def repeated_step(
    model: keras.Model, batch: tuple[Any, ...]
) -> Callable[[], tf.Tensor]:
    """Return what trains on a batch once more at each call.

    It gives what Keras logs, the mean of the losses so far. No input pipeline takes
    part, and nothing of `fit` but the compiled step.

    Args:
        model: A compiled model; every call moves its weights.
        batch: Images and labels as `fit` takes them from a dataset.
    """
    model.make_train_function()
    stream = iter(tf.data.Dataset.from_tensors(batch).repeat())
    return lambda: model.train_function(stream)["loss"]
