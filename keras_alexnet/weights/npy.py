"""`bvlc_alexnet.npy`: a dictionary of arrays that NumPy pickled."""

import math
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from keras_alexnet.weights.caffe import CAFFE_PRESETS, PARTS
from keras_alexnet.weights.caffe_mean import CAFFE_RULE
from keras_alexnet.weights.foreign import ForeignWeights, check_file_size, check_numbers
from keras_alexnet.weights.layout import OF_FORMAT, FileOrder, in_our_order
from keras_alexnet.weights.pickled import Refused, read_pickle
from tfrecords.errors import UserError

SIGNATURE = b"\x93NUMPY"
_NUMBERS = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"}
_OBJECTS = "O8"
_BYTE_ORDERS = {"<", "|", "="}
# What TensorFlow programs call the two where they name them.
_PART_NAMES = {
    "weights": "kernel",
    "biases": "bias",
    "kernel": "kernel",
    "bias": "bias",
}


def read(path: Path, order: FileOrder = OF_FORMAT) -> ForeignWeights:
    """Read the dictionary `layer -> [kernel, bias]`; which net it is it does not say.

    Kernels are `(height, width, inputs, filters)` and, unless `order` says otherwise,
    take blue first; fc6 takes places one after the other.

    Raises:
        UserError: The file is damaged, asks for more than arrays, or holds another
            thing.
    """
    check_file_size(path)
    with open(path, "rb") as file:
        _check_header(file, path)
        names = _names(_Room(path.stat().st_size))
        whole = read_pickle(file, path.stat().st_size, names, where=str(path))
    layers = whole.content if isinstance(whole, _Array) else whole
    if not isinstance(layers, dict) or not all(type(name) is str for name in layers):
        raise UserError(
            f"Expected a dictionary of layers in {path}, found a "
            f"{type(layers).__name__}. Give bvlc_alexnet.npy or a file like it."
        )
    arrays: dict[str, np.ndarray] = {}
    for layer, parts in layers.items():
        arrays |= {f"{layer}.{part}": _numbers(layer, x) for part, x in _parts(parts)}
    check_numbers({name: array.size for name, array in arrays.items()}, str(path))
    arrays = in_our_order(arrays, order.of("bgr", "hwc"))
    return ForeignWeights(arrays, CAFFE_RULE, CAFFE_PRESETS)


class _DType:
    """Stands for `numpy.dtype`: the name of a kind of numbers."""

    def __init__(self, name: Any, *options: Any) -> None:
        if type(name) is not str or name not in {*_NUMBERS, _OBJECTS}:
            raise Refused(f"it has an array of {str(name)[:20]!r}")
        self.name = name

    def take_state(self, state: Any) -> None:
        order = state[1] if type(state) is tuple and len(state) > 1 else None
        if order not in _BYTE_ORDERS:
            raise Refused("it has numbers in another byte order")


class _Room:
    """Bytes that arrays may have: one piece of a file may be made many of them."""

    def __init__(self, left: int) -> None:
        self.left = left

    def take(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise Refused("its arrays have more bytes than the file")


class _Array:
    """Stands for an array until its state says what is in it."""

    def __init__(self, room: _Room) -> None:
        self.room = room
        self.content: Any = None

    def take_state(self, state: Any) -> None:
        _, shape, kind, by_columns, data = state
        if type(shape) is not tuple or type(kind) is not _DType:
            raise Refused("an array has no shape")
        if not all(type(side) is int and side >= 0 for side in shape) or len(shape) > 8:
            raise Refused("an array has a shape that is none")
        if kind.name == _OBJECTS:
            if shape or type(data) is not list or len(data) != 1:
                raise Refused("an array of objects")
            self.content = data[0]
            return
        if type(data) is not str and type(data) is not bytes:
            raise Refused("an array has no numbers")
        self.room.take(len(data))
        raw: bytes = data.encode("latin1") if isinstance(data, str) else data
        width = int(kind.name[1])
        if len(raw) != math.prod(shape) * width:
            raise Refused("an array has more or fewer numbers than its shape")
        numbers = np.frombuffer(raw, f"<{kind.name}")
        if by_columns:
            self.content = numbers.reshape(shape[::-1]).T
        else:
            self.content = numbers.reshape(shape)


_NDARRAY = object()  # numpy.ndarray, which cannot be called


def _names(room: _Room) -> dict[str, Any]:
    def reconstruct(kind: Any, shape: Any, code: Any) -> _Array:
        if kind is not _NDARRAY or shape != (0,) or code not in ("b", b"b"):
            raise Refused("it makes an array of another kind")
        return _Array(room)

    return {
        "numpy.core.multiarray._reconstruct": reconstruct,
        "numpy._core.multiarray._reconstruct": reconstruct,  # of NumPy 2
        "numpy.ndarray": _NDARRAY,
        "numpy.dtype": _DType,
    }


def _check_header(file: BinaryIO, path: Path) -> None:
    try:
        version = np.lib.format.read_magic(file)
        readers = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }
        shape, _, kind = readers[version](file)
    except (ValueError, KeyError, EOFError, SyntaxError) as error:
        raise UserError(
            f"Expected a .npy file, found that the header of {path} is damaged "
            f"({str(error).splitlines()[0]}). Get it again."
        ) from None
    if kind != np.dtype(object) or shape != ():
        raise UserError(
            f"Expected a dictionary of layers in {path}, found an array {shape} of "
            f"{kind}. Give bvlc_alexnet.npy or a file like it."
        )


def _parts(parts: Any) -> list[tuple[str, Any]]:
    if type(parts) is list or type(parts) is tuple:
        names = [PARTS[i] if i < len(PARTS) else str(i) for i in range(len(parts))]
        return list(zip(names, parts, strict=True))
    if isinstance(parts, dict):
        return [(_PART_NAMES.get(str(k), str(k)), x) for k, x in parts.items()]
    raise UserError(
        "Expected [kernel, bias] of each layer in the dictionary, found a "
        f"{type(parts).__name__}. Give bvlc_alexnet.npy or a file like it."
    )


def _numbers(layer: str, array: Any) -> np.ndarray:
    if not isinstance(array, _Array) or not isinstance(array.content, np.ndarray):
        raise UserError(
            f"Expected arrays of numbers of {layer!r}, found something else. Give "
            "bvlc_alexnet.npy or a file like it."
        )
    return array.content
