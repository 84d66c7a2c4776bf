"""A trained network as `.safetensors`: weights, and all that they need."""

from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from keras_alexnet.export.format import Format
from keras_alexnet.export.network_folder import card_of, exported_folder
from keras_alexnet.inference.runtimes.tensorflow import open_network
from keras_alexnet.trained.card import card_arrays, card_text
from keras_alexnet.trained.names import CARD, SAFETENSORS_FILE
from keras_alexnet.trained.network import TrainedNetwork
from keras_alexnet.trained.tensors import load_tensors, model_tensors
from tfrecords.errors import UserError

_EXAMPLE = f"""\
from safetensors.numpy import load_file

for name, array in sorted(load_file("{SAFETENSORS_FILE}").items()):
    print(name, array.dtype, array.shape)
"""
SAFETENSORS = Format(
    "safetensors",
    SAFETENSORS_FILE,
    "safetensors, in the layout of Keras",
    "safetensors numpy",
    lambda network: _EXAMPLE,
    lambda path, network: open_network(
        load_tensors(path, network.config.preset, len(network.labels))
    ),
)


def export(
    network: TrainedNetwork, out: Path | str, *, views: int = 1, top: int = 5
) -> Path:
    """Write a network folder whose network is `network.safetensors`.

    The tensors are `conv1.kernel` `(height, width, inputs of a group, filters)`,
    `fc6.kernel` `(inputs, units)`, `conv1.bias` and so on, float32 in the layout of
    Keras, and `statistics.mean_image` and so on, of the pictures that the network
    learnt from. `card` in the metadata is JSON: preset, fields of the network, recipe,
    preprocessing, name of the tensor of the mean, labels, source. So the file alone is
    enough for `alexnet import-weights`. Equal networks give equal bytes.

    Args:
        network: With a Keras model, so no export.
        out: A new or empty folder.
        views: 1; a file of weights has no views.
        top: 5, which says nothing either.

    Returns:
        The folder.

    Raises:
        UserError: The network has no Keras model, views or classes were asked for, or
            the folder holds something or cannot be written.
    """
    tensors, card = model_tensors(network.model), card_of(network)
    arrays = tensors | card_arrays(card)
    metadata = {CARD: card_text(card)}
    with exported_folder(network, out, SAFETENSORS, views=views, top=top) as path:
        save_file(arrays, path, metadata)
        _check(path, arrays, metadata)
    return Path(out)


def _check(path: Path, arrays: dict[str, np.ndarray], metadata: dict[str, str]) -> None:
    """Read again what was written: the library keeps no strides of an array."""
    with safe_open(path, framework="numpy") as file:
        same = file.metadata() == metadata and {*file.keys()} == {*arrays}
        if not same or any(
            not np.array_equal(file.get_tensor(name), array)
            for name, array in arrays.items()
        ):
            raise UserError(
                f"Expected {path.name} to hold what was written, found other numbers. "
                "The disk is damaged, or safetensors is: look at both."
            )
