"""Which format a file of weights has, by what is in it and not by its name."""

from pathlib import Path

import h5py

from keras_alexnet.weights import (
    READERS,
    caffe_hdf5,
    hdf5,
    keras_file,
    keras_hdf5,
    mat_file,
    npy,
    torch_tensors,
    zip_file,
)
from keras_alexnet.weights.foreign import check_file_size
from keras_alexnet.weights.safetensors import is_safetensors
from tfrecords.errors import UserError

_START = 512  # bytes; the longest header of the formats below
_PROTOBUF = (b"\x0a", b"\x12", b"\xa2\x06")  # a net's name, an old layer, a new one


def tell_format(path: Path) -> str:
    """Return the name in `READERS` of a file's format.

    Raises:
        UserError: There is no file, or it is of no format that is known.
    """
    check_file_size(path)
    with open(path, "rb") as file:
        start = file.read(_START)
    found = ""
    if start.startswith(hdf5.SIGNATURE):
        found = _of_hdf5(path)
    elif start.startswith(npy.SIGNATURE):
        found = "npy"
    elif start.startswith(zip_file.SIGNATURE):
        found = _of_zip(path)
    elif start.startswith(torch_tensors.OLD_SIGNATURE):
        found = "pth"
    elif start.startswith((mat_file.SIGNATURE, mat_file.HDF5_SIGNATURE)):
        found = "mat"
    elif is_safetensors(start):
        found = "safetensors"
    elif start.startswith(_PROTOBUF):
        found = "caffemodel"
    if not found:
        shown = "an empty file" if not start else f"bytes that start {start[:8]!r}"
        raise UserError(
            f"Expected weights as {', '.join(READERS)}, found {shown} in {path}. Give "
            "the file of weights itself, as it was downloaded."
        )
    return found


def _of_hdf5(path: Path) -> str:
    try:
        with h5py.File(path, "r") as file:
            if caffe_hdf5.ROOT in file:
                return "caffemodel.h5"
            return "weights.h5" if keras_hdf5.ROOT in file else ""
    except (OSError, RuntimeError) as error:
        raise UserError(
            f"Expected an HDF5 file of weights, found that {path} is damaged "
            f"({str(error).splitlines()[0]}). Get it again."
        ) from None


def _of_zip(path: Path) -> str:
    try:
        with zip_file.open_zip(path) as opened:
            ours = {keras_file.CONFIG, keras_file.WEIGHTS} <= {*opened.namelist()}
    except UserError:
        ours = False  # its reader says what is wrong
    return "keras" if ours else "pth"
