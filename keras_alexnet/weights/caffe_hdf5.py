"""Caffe's `.caffemodel.h5`: `data/LAYER/0` is a kernel, `data/LAYER/1` a bias."""

from pathlib import Path

from keras_alexnet.weights.caffe import PARTS, of_caffe
from keras_alexnet.weights.foreign import ForeignWeights
from keras_alexnet.weights.hdf5 import read_arrays
from keras_alexnet.weights.layout import OF_FORMAT, FileOrder

ROOT = "data"


def read(path: Path, order: FileOrder = OF_FORMAT) -> ForeignWeights:
    """Read the blobs; the order of the layers is not in the file.

    Raises:
        UserError: As `read_arrays`.
    """
    tensors = {}
    for name, array in read_arrays(path, ROOT).items():
        layer, _, index = name.rpartition("/")
        place = int(index) if index.isdecimal() and len(index) < 4 else len(PARTS)
        part = PARTS[place] if place < len(PARTS) else index
        tensors[f"{layer}.{part}"] = array
    return of_caffe(tensors, [], order)
