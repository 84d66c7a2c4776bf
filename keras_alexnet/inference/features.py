"""What the layers of a network make of pictures."""

from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

from keras_alexnet.inference.picture_bytes import Picture, answer_pictures
from keras_alexnet.models.geometry import CONVOLUTIONS
from keras_alexnet.models.layer_names import LayerChoice

BATCH_SIZE = 36  # pictures in a pass
# Rows that oneDNN's matrix product takes at once with AVX2; up to half of them, left at
# the end, it adds up in another order. A single row is so everywhere.
_ROWS = 6
_PRE = "_pre"
_CONVOLUTIONS = tuple(f"conv{number}" for number in CONVOLUTIONS)
_ACTIVATIONS = ("relu", "tanh")  # of a preset, which name their layers


class FeatureExtractor:
    """From the bytes of pictures to the features of some layers, in float32.

    Every picture has the same features to the last bit, however many are computed at
    once: a pass whose rows would be added up in another order has black ones beside
    them.

    Args:
        model: A functional Keras model of ours, images to logits.
        layers: Which layers of it.
        images: From strings `(batch,)`, files as TensorFlow reads them, to its images.
    """

    def __init__(
        self,
        model: keras.Model,
        layers: Sequence[LayerChoice],
        images: Callable[[tf.Tensor], tf.Tensor],
    ) -> None:
        features = keras.Model(model.input, layer_outputs(model, layers))
        self.shapes = [tuple(tensor.shape[1:]) for tensor in features.outputs]
        self._images = images
        self._features = tf.function(
            lambda given: features(given, training=False),
            input_signature=[tf.TensorSpec(model.input_shape, tf.float32)],
            autograph=False,
        )

    def __call__(self, image_bytes: tf.Tensor) -> list[tuple[np.ndarray, ...]]:
        """Return for each picture its features, an array a layer."""
        images = self._images(image_bytes)
        black = -len(images) % _ROWS
        images = tf.pad(images, [[0, black], [0, 0], [0, 0], [0, 0]])
        arrays = [tensor.numpy() for tensor in tf.nest.flatten(self._features(images))]
        return list(zip(*arrays, strict=True))[: len(image_bytes)]


def answers_in_batches(
    pictures: Sequence[Picture], extractor: FeatureExtractor
) -> Iterator[tuple[np.ndarray, ...] | str]:
    """Yield the features of each picture, or why it could not be read."""
    for start in range(0, len(pictures), BATCH_SIZE):
        batch = pictures[start : start + BATCH_SIZE]
        yield from answer_pictures(batch, extractor)


def layer_outputs(
    model: keras.Model, layers: Sequence[LayerChoice]
) -> list[keras.KerasTensor]:
    """Return the tensors of layers, before or after activations, of all or a tower.

    Args:
        model: A functional Keras model of ours, images to logits.
        layers: Which, as `models.layer_names.choose_layer` finds them.
    """
    names = dict.fromkeys(choice.layer for choice in layers)
    whole = {name: _whole_output(model, name) for name in names}
    return [_of_tower(whole[choice.layer], choice) for choice in layers]


def _of_tower(output: keras.KerasTensor, choice: LayerChoice) -> keras.KerasTensor:
    if choice.tower is None:
        return output
    width = output.shape[-1] // choice.towers
    return output[..., choice.tower * width : (choice.tower + 1) * width]


def _whole_output(model: keras.Model, name: str) -> keras.KerasTensor:
    if name == "probabilities":
        return keras.layers.Softmax(dtype="float32", name=name)(model.output)
    layer = model.get_layer(name.removesuffix(_PRE))
    fused = getattr(layer, "activation", None)
    is_linear = fused in (None, keras.activations.linear)
    if name.endswith(_PRE):
        return layer.output if is_linear else _linear_twin(layer)(layer.input)
    if name in _CONVOLUTIONS and is_linear:
        return _activated(model, layer)
    return layer.output


def _linear_twin(layer: keras.Layer) -> keras.Layer:
    """Return a layer without the activation that has the same variables."""
    name = f"{layer.name}{_PRE}"
    config = {**layer.get_config(), "activation": None, "name": name}
    twin = type(layer).from_config(config)
    twin._kernel, twin.bias = layer._kernel, layer.bias
    twin.built = True
    return twin


def _activated(model: keras.Model, convolution: keras.Layer) -> keras.KerasTensor:
    # The network has its activation further on, after what block1 puts before it.
    number = convolution.name.removeprefix("conv")
    names = {f"{activation}{number}" for activation in _ACTIVATIONS}
    (later,) = (layer for layer in model.layers if layer.name in names)
    name = f"{convolution.name}_{later.name}"
    activation = keras.layers.Activation(
        later.activation, dtype=later.dtype_policy, name=name
    )
    return activation(convolution.output)
