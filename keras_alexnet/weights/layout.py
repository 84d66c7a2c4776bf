"""From the layouts of other programs to Keras': rows, columns, inputs, outputs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from keras_alexnet.models.layer_table import CONV_LAYERS
from tfrecords.errors import UserError

FIRST_DENSE, LAST_MAPS = "fc6", "conv5"
Channels = Literal["bgr", "rgb"]
Fc6Order = Literal["chw", "hwc"]


@dataclass(frozen=True)
class FileOrder:
    """What a user knows of the order of a file's numbers, which shapes do not tell.

    Attributes:
        channels: Which colour conv1 takes first; None: as files of the format have it.
        fc6: How fc6 takes its maps: one after the other (chw), or place by place (hwc);
            None likewise.
    """

    channels: Channels | None = None
    fc6: Fc6Order | None = None

    def of(self, channels: Channels, fc6: Fc6Order) -> "FileOrder":
        """Return the order of a file, given that of its format."""
        return FileOrder(self.channels or channels, self.fc6 or fc6)

    def refuse(self, kind: str) -> None:
        """Refuse to be told what a file of this kind itself tells.

        Raises:
            UserError: Something was told.
        """
        given = {"--channels": self.channels, "--fc6-order": self.fc6}
        told = [f"{name} {value}" for name, value in given.items() if value]
        if told:
            raise UserError(
                f"Expected no {' and '.join(told)} with {kind}, whose order is known. "
                "Leave it out."
            )


OF_FORMAT = FileOrder()  # nothing is known but the format


def from_channels_first(
    tensors: Mapping[str, np.ndarray],
    order: FileOrder,
    *,
    first_dense: str = FIRST_DENSE,
    last_maps: str = LAST_MAPS,
) -> dict[str, np.ndarray]:
    """Turn kernels of Caffe or PyTorch into ours; tensors of odd shape stay odd.

    Args:
        tensors: `conv1.kernel` `(filters, inputs of a group, height, width)`,
            `fc6.kernel` `(units, inputs)`, `conv1.bias` of any shape and so on.
        order: Of the file, nothing of it None.
        first_dense: Layer whose inputs are maps.
        last_maps: Convolution that they come from.

    Returns:
        The same names, float32 if the numbers are floating point: `(height, width,
        inputs, filters)`, `(inputs, units)` of places one after the other, `(units,)`.
    """
    turned = {}
    for name, tensor in tensors.items():
        layer, _, kind = name.rpartition(".")
        if kind == "bias":
            tensor = tensor.reshape(-1) if _is_row(tensor) else tensor
        elif kind == "kernel" and layer in CONV_LAYERS:
            tensor = tensor.transpose(2, 3, 1, 0) if tensor.ndim == 4 else tensor
        elif kind == "kernel":
            tensor = _dense(tensor)
        turned[name] = tensor
    return in_our_order(turned, order, first_dense, last_maps)


def in_our_order(
    tensors: Mapping[str, np.ndarray],
    order: FileOrder,
    first_dense: str = FIRST_DENSE,
    last_maps: str = LAST_MAPS,
) -> dict[str, np.ndarray]:
    """Return tensors of our shapes with RGB in conv1 and places in fc6, as float32.

    Args:
        tensors: `conv1.kernel` `(height, width, 3, filters)`, `fc6.kernel` `(inputs,
            units)` and so on; those of odd shape stay as they are.
        order: Of the file, nothing of it None.
        first_dense: Layer whose inputs are maps.
        last_maps: Convolution that they come from.
    """
    found = dict(tensors)
    first, dense = (found.get(f"{name}.kernel") for name in ("conv1", first_dense))
    if order.channels == "bgr" and first is not None and first.ndim == 4:
        found["conv1.kernel"] = first[:, :, ::-1]
    if order.fc6 == "chw" and dense is not None and dense.ndim == 2:
        maps = found.get(f"{last_maps}.bias", np.zeros(0)).size
        found[f"{first_dense}.kernel"] = _places_first(dense, maps)
    return {name: as_float32(tensor) for name, tensor in found.items()}


def as_float32(tensor: np.ndarray) -> np.ndarray:
    """Return floating-point numbers as float32 in one piece, others as they are.

    What float32 does not hold becomes infinite, which the fitting then refuses.
    """
    if tensor.dtype.kind != "f":
        return tensor
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(tensor, np.float32)


def _is_row(tensor: np.ndarray) -> bool:
    """Tell whether all axes but the last are 1, as in Caffe's `(1, 1, 1, units)`."""
    return tensor.ndim > 0 and tensor.size == tensor.shape[-1]


def _dense(tensor: np.ndarray) -> np.ndarray:
    if tensor.ndim == 4 and tensor.shape[:2] == (1, 1):
        tensor = tensor[0, 0]
    return tensor.T if tensor.ndim == 2 else tensor


def _places_first(kernel: np.ndarray, maps: int) -> np.ndarray:
    """Turn rows of maps one after the other into rows of places."""
    inputs, units = kernel.shape
    side = round((inputs / maps) ** 0.5) if maps else 0
    if maps < 2 or maps * side**2 != inputs:
        return kernel
    # By the transpose, which a file of Caffe's or PyTorch's has in one piece.
    turned = kernel.T.reshape(units, maps, side, side).transpose(0, 2, 3, 1)
    return turned.reshape(units, inputs).T
