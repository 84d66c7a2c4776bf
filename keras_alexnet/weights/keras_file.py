"""Our `.keras` files: a zip of weights and of what the layers are; nothing is run."""

import json
from pathlib import Path

from keras_alexnet.weights.foreign import MOST_BYTES, ForeignWeights, check_file_size
from keras_alexnet.weights.keras_hdf5 import own_arrays
from keras_alexnet.weights.keras_layers import layers_of, not_ours, preset_of
from keras_alexnet.weights.layout import OF_FORMAT, FileOrder
from keras_alexnet.weights.own import OWN_RULE
from keras_alexnet.weights.zip_file import open_zip, read_entry

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
MOST_CONFIG = 2**22  # bytes of JSON; ours has 20 kB


def read(path: Path, order: FileOrder = OF_FORMAT) -> ForeignWeights:
    """Read the weights, and from the layers which preset it is, with all its fields.

    `config.json` is read as data: no layer of it is made, so none can run code.

    Raises:
        UserError: The file is damaged, or of a network that is not ours.
    """
    order.refuse("a .keras file of ours")
    check_file_size(path)
    with open_zip(path) as opened:
        config = read_entry(opened, CONFIG, MOST_CONFIG)
        weights = read_entry(opened, WEIGHTS, MOST_BYTES)
    try:
        document = json.loads(config)
        layers = layers_of(document)
        preset = preset_of(document["config"]["name"], layers)
    # Whatever else JSON may hold where a layer should be.
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
        raise not_ours(path) from None
    arrays = own_arrays(path, weights)
    return ForeignWeights(arrays, OWN_RULE, preset=preset, layers=tuple(layers))
