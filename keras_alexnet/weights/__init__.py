"""Other people's weights: a file a format, and what becomes of them."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from keras_alexnet.registry import Registry

if TYPE_CHECKING:
    from keras_alexnet.weights.foreign import ForeignWeights
    from keras_alexnet.weights.layout import FileOrder

# `read(path, order) -> ForeignWeights`; `signature.tell_format` says which is whose.
READERS: "Registry[Callable[[Path, FileOrder], ForeignWeights]]" = Registry(
    "format of weights",
    {
        "caffemodel": "keras_alexnet.weights.caffe:read",
        "caffemodel.h5": "keras_alexnet.weights.caffe_hdf5:read",
        "keras": "keras_alexnet.weights.keras_file:read",
        "weights.h5": "keras_alexnet.weights.keras_hdf5:read",
        "npy": "keras_alexnet.weights.npy:read",
        "pth": "keras_alexnet.weights.torch:read",
        "safetensors": "keras_alexnet.weights.safetensors:read",
        "mat": "keras_alexnet.weights.matconvnet:read",
    },
)
