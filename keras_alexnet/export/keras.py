"""A trained network as the `.keras` file of a network folder."""

from pathlib import Path

import keras

from keras_alexnet.export.format import Format
from keras_alexnet.export.network_folder import exported_folder
from keras_alexnet.inference.runtimes.tensorflow import open_network
from keras_alexnet.trained.names import NETWORK_FILE
from keras_alexnet.trained.network import TrainedNetwork

_EXAMPLE = """\
import keras_alexnet

network = keras_alexnet.load(".")
(answer,) = network.predict(["picture.jpg"])
for label, score in zip(answer.labels, answer.scores):
    print(f"{score:.4f} {label}")
"""
KERAS = Format(
    "keras",
    NETWORK_FILE,
    "Keras",
    "keras-alexnet",
    lambda network: _EXAMPLE,
    lambda path, network: open_network(keras.models.load_model(path, compile=False)),
)


def export(
    network: TrainedNetwork, out: Path | str, *, views: int = 1, top: int = 5
) -> Path:
    """Write a network folder whose network is `network.keras`, to train on or to keep.

    It is what `TrainedNetwork.save` writes, with a model card, checked.

    Arguments and errors are those of `safetensors.export`; it returns the folder.
    """
    with exported_folder(network, out, KERAS, views=views, top=top) as path:
        network.model.save(path)
    return Path(out)
