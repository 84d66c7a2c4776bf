"""The `.weights.h5` of our networks, as Keras' `save_weights` writes it."""

from pathlib import Path

import numpy as np

from keras_alexnet.models.layer_table import CONV_LAYERS
from keras_alexnet.weights.caffe import PARTS
from keras_alexnet.weights.foreign import ForeignWeights
from keras_alexnet.weights.hdf5 import read_arrays
from keras_alexnet.weights.layout import OF_FORMAT, FileOrder, as_float32
from keras_alexnet.weights.own import DENSE_LAYERS, OWN_RULE

ROOT = "layers"
# Keras names layers here by their classes, in the order in which they follow each
# other, whatever they are called themselves.
_CLASSES = {"grouped_conv2d": CONV_LAYERS, "dense": DENSE_LAYERS}
_LAYERS = {
    f"{kind}_{place}" if place else kind: name
    for kind, names in _CLASSES.items()
    for place, name in enumerate(names)
}
_RANDOM = "seed_generator/"  # where the dropouts are in their random numbers


def read(path: Path, order: FileOrder = OF_FORMAT) -> ForeignWeights:
    """Read kernels and biases; which preset it is only their shapes tell.

    Raises:
        UserError: As `read_arrays`.
    """
    order.refuse("a .weights.h5 file of ours")
    return ForeignWeights(own_arrays(path), OWN_RULE)


def own_arrays(path: Path, content: bytes | None = None) -> dict[str, np.ndarray]:
    """Return the arrays of a file of Keras' under our names, left over ones too.

    Args:
        path: The file.
        content: The file's bytes where it lies in another one, `path`.
    """
    arrays = {}
    for name, array in read_arrays(path, ROOT, content).items():
        layer, _, part = name.partition("/vars/")
        known = part.isdecimal() and len(part) == 1 and int(part) < len(PARTS)
        if known:
            name = f"{_LAYERS.get(layer, layer)}.{PARTS[int(part)]}"
        if _RANDOM not in f"{layer}/":
            arrays[name] = as_float32(array)
    return arrays
