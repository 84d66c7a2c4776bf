"""The frozen layers that a network begins with, which see each picture only once."""

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_alexnet.data import PixelBatch
from keras_alexnet.data.feature_cache import FeatureCache, map_features
from keras_alexnet.layers import InvertedDropout, OriginalDropout
from keras_alexnet.presets import AnyPreset
from keras_alexnet.trained.names import FEATURES
from keras_alexnet.training.devices.distributed_model import DistributedModel
from keras_alexnet.training.run_dataset import RunDataset
from keras_alexnet.training.streams import every_picture
from tfrecords.plain_text import say


def trunk_of(network: keras.Model, preset: AnyPreset) -> keras.Model:
    """Return the layers before the first that learns or draws: images to features.

    They share their variables with the network, and are not trainable any more.

    Args:
        network: Of one device, images to logits.
        preset: Whose recipe says which layers are frozen.
    """
    output = network.input
    for layer in network.layers[1:-1]:
        learns = layer.weights and preset.layer_rate(layer.name) > 0
        if learns or isinstance(layer, OriginalDropout | InvertedDropout):
            break
        output = layer.output
    trunk = keras.Model(network.input, output, name="trunk")
    trunk.trainable = False
    return trunk


def cache_features(
    model: DistributedModel, preset: AnyPreset, dataset: RunDataset, run: Path
) -> dict[str, FeatureCache]:
    """Compute the features of all that a run looks at, or map those that it has.

    Args:
        model: Of `compile_network`, with a trunk that has its weights.
        preset: Network and recipe.
        dataset: Whose training pictures and those that training watches are taken.
        run: The run folder, which holds the files.

    Returns:
        Name of a split -> features of the centre view of its pictures.

    Raises:
        UserError: The disk is full.
    """
    last = [layer.name for layer in model.trunk.layers if layer.name != "flatten"][-1]
    say(
        f"What {last} gives is computed once, of the centre of each picture: there are "
        "no random crops, flips and colour noise."
    )
    caches = {}
    for split in ("train", dataset.validation_split):
        shape = (dataset.manifest.count(split), *model.input_shape[1:])
        kind = tf.as_dtype(model.input.dtype).as_numpy_dtype
        caches[split] = map_features(
            run / FEATURES / split,
            _identity(model, preset, dataset, split),
            np.broadcast_to(np.zeros((), kind), shape),
            _batches(model, preset, dataset, split),
        )
    return caches


def _batches(
    model: DistributedModel, preset: AnyPreset, dataset: RunDataset, split: str
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    @tf.function(autograph=False, reduce_retracing=True)
    def features(images: tf.Tensor) -> tf.Tensor:
        pixels = PixelBatch.without_noise(images)
        return model.trunk(pixels.normalized(model.mean), training=False)

    size = preset.recipe.batch_size
    for pixels, labels in every_picture(preset, dataset, split):
        images = pixels.images
        if split == "train":
            # Last bits of a product depend on its rows, and a step has a whole batch.
            black = tf.zeros((size - len(images), *images.shape[1:]), images.dtype)
            images = tf.concat([images, black], axis=0)
        yield features(images).numpy()[: len(labels)], labels.numpy()


def _identity(
    model: DistributedModel, preset: AnyPreset, dataset: RunDataset, split: str
) -> dict[str, Any]:
    """Return all that features depend on, as JSON has it."""
    weights = hashlib.sha256()
    for weight in model.trunk.weights:
        weights.update(f"{weight.path} {weight.shape}\n".encode())
        weights.update(weight.value.numpy().tobytes())
    sums = [shard.sha256 for shard in dataset.manifest.splits[split]]
    network = dataclasses.asdict(preset)
    return {
        "network": {name: _listed(network[name]) for name in sorted(preset.network)},
        "weights": weights.hexdigest(),
        "mean": hashlib.sha256(model.mean.tobytes()).hexdigest(),
        "pictures": hashlib.sha256("".join(sums).encode()).hexdigest(),
        "shape": list(model.input_shape[1:]),
        "dtype": model.input.dtype,
        "tensorflow": tf.__version__,
    }


def _listed(value: Any) -> Any:
    return [_listed(each) for each in value] if isinstance(value, tuple) else value
