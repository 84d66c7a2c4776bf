"""From the layouts of other programs to Keras': rows, columns, inputs, outputs."""

from collections.abc import Mapping

import numpy as np

from keras_alexnet.models.layer_table import CONV_LAYERS

FIRST_DENSE, LAST_MAPS = "fc6", "conv5"


def from_channels_first(
    tensors: Mapping[str, np.ndarray],
    bgr: bool,
    *,
    first_dense: str = FIRST_DENSE,
    last_maps: str = LAST_MAPS,
) -> dict[str, np.ndarray]:
    """Turn kernels of Caffe or PyTorch into ours; tensors of odd shape stay odd.

    Args:
        tensors: `conv1.kernel` `(filters, inputs of a group, height, width)`,
            `fc6.kernel` `(units, inputs)` of maps one after the other, `conv1.bias` of
            any shape and so on.
        bgr: Whether conv1 takes blue first.
        first_dense: Layer whose inputs are maps.
        last_maps: Convolution that they come from.

    Returns:
        The same names, float32 if the numbers are floating point: `(height, width,
        inputs, filters)`, `(inputs, units)` of places one after the other, `(units,)`.
    """
    maps = tensors.get(f"{last_maps}.bias", np.zeros(0)).size
    turned = {}
    for name, tensor in tensors.items():
        layer, _, kind = name.rpartition(".")
        if kind == "bias":
            tensor = tensor.reshape(-1) if _is_row(tensor) else tensor
        elif kind == "kernel" and layer in CONV_LAYERS:
            tensor = tensor.transpose(2, 3, 1, 0) if tensor.ndim == 4 else tensor
            if layer == "conv1" and bgr and tensor.ndim == 4:
                tensor = tensor[:, :, ::-1]
        elif kind == "kernel":
            tensor = _dense(tensor, maps if layer == first_dense else 1)
        turned[name] = as_float32(tensor)
    return turned


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


def _dense(tensor: np.ndarray, maps: int) -> np.ndarray:
    if tensor.ndim == 4 and tensor.shape[:2] == (1, 1):
        tensor = tensor[0, 0]
    if tensor.ndim != 2:
        return tensor
    units, inputs = tensor.shape
    side = round((inputs / maps) ** 0.5) if maps else 0
    if maps > 1 and maps * side**2 == inputs:
        tensor = tensor.reshape(units, maps, side, side).transpose(0, 2, 3, 1)
        tensor = tensor.reshape(units, inputs)
    return tensor.T
