"""A network that TensorFlow runs, from Keras or from a SavedModel."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from keras_alexnet.inference.probabilities import view_probabilities
from keras_alexnet.inference.runtimes import InferencePrecision, check_precision
from keras_alexnet.inference.runtimes.image_shape import check_images
from keras_alexnet.processor import check_processor
from tfrecords.errors import UserError

if TYPE_CHECKING:
    import keras


def open_network(
    source: Any, *, precision: InferencePrecision = "float32"
) -> Callable[[np.ndarray | tf.Tensor], np.ndarray]:
    """Return a function from images to class probabilities.

    Args:
        source: A float32 Keras model, or a loaded SavedModel of ours.
        precision: float32 or mixed_bfloat16, of the layers; probabilities are float32.
            A SavedModel has its own, float32.

    Returns:
        A function of float32 `(batch, size, size, 3)` or `(batch, views, size, size,
        3)`, mean subtracted, to float32 `(batch, classes)`, averaged over the views.

    Raises:
        UserError: Another precision, one that oneDNN is told to refuse, or a SavedModel
            in another than its own.
    """
    check_precision(precision)
    if hasattr(source, "signatures"):
        if precision != "float32":
            raise UserError(f"Expected float32 for a SavedModel, got {precision}.")
        return _of_saved_model(source)
    return _of_model(source, precision)


def _of_model(
    model: "keras.Model", precision: InferencePrecision
) -> Callable[[np.ndarray | tf.Tensor], np.ndarray]:
    if not tf.config.get_visible_devices("GPU"):
        check_processor(precision)
    if precision != "float32":
        model = _in_narrow_type(model, precision.removeprefix("mixed_"))
    # One for images, one for views: traced for both, a function knows no rank.
    traced = {
        rank: tf.function(
            view_probabilities(model), reduce_retracing=True, autograph=False
        )
        for rank in (4, 5)
    }
    image, classes = model.input_shape[1:], model.output_shape[-1]

    def probabilities(images: np.ndarray | tf.Tensor) -> np.ndarray:
        check_images(np.shape(images), image)
        if not len(images):  # which convolutions do not take
            return np.zeros((0, classes), np.float32)
        images = tf.convert_to_tensor(images, tf.float32)
        return traced[images.shape.rank](images).numpy()

    return probabilities


def _in_narrow_type(model: "keras.Model", dtype: str) -> "keras.Model":
    """Return a copy of a model whose weights are of 16 bits, but for its logits.

    Of 32 bits, each pass would round 61 million of them anew.
    """
    import keras  # only here: an export needs none

    logits = model.layers[-1]

    def copy(layer: keras.Layer) -> keras.Layer:
        config = layer.get_config()
        if layer is not logits and not isinstance(layer, keras.layers.InputLayer):
            config["dtype"] = dtype
        return type(layer).from_config(config)

    narrow = keras.models.clone_model(model, clone_function=copy)
    narrow.set_weights(model.get_weights())
    return narrow


def _of_saved_model(
    loaded: Any,
) -> Callable[[np.ndarray | tf.Tensor], np.ndarray]:
    signature = loaded.signatures["images"]
    image = signature.structured_input_signature[1]["images"].shape[1:]

    # The loaded object has to outlive its signature: it owns the variables.
    def probabilities(
        images: np.ndarray | tf.Tensor, owner: Any = loaded
    ) -> np.ndarray:
        check_images(np.shape(images), image)
        images = tf.convert_to_tensor(images, tf.float32)
        flat = tf.reshape(images, (-1, *images.shape[-3:]))
        rows = signature(images=flat)["probabilities"].numpy()
        if images.shape.rank == 4:
            return rows
        return rows.reshape(*images.shape[:2], rows.shape[-1]).mean(axis=1)

    return probabilities
