"""MatConvNet's `imagenet-caffe-alex.mat` and its like."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from keras_alexnet.models.layer_table import CONV_LAYERS
from keras_alexnet.presets import PRESETS
from keras_alexnet.weights.caffe import CAFFE_PRESETS, PARTS, order_tells
from keras_alexnet.weights.foreign import (
    ForeignWeights,
    InputRule,
    check_file_size,
    check_numbers,
)
from keras_alexnet.weights.layout import OF_FORMAT, FileOrder, as_float32
from keras_alexnet.weights.mat_file import read_mat
from tfrecords.errors import UserError

_EARLIER = ("filters", "biases")  # fields of releases before 1.0-beta12
_LRN = PRESETS[CAFFE_PRESETS[0]].lrn


def read(path: Path, order: FileOrder = OF_FORMAT) -> ForeignWeights:
    """Read the convolutions, which the fully connected layers are too.

    Raises:
        UserError: The file is damaged, holds no network of MatConvNet, or one that was
            trained with other constants than Caffe's.
    """
    order.refuse("MatConvNet's files")
    check_file_size(path)
    variables = read_mat(path)
    whole = variables.get("net")
    net: Mapping[str, Any] = whole if isinstance(whole, dict) else variables
    layers = net.get("layers")
    if not isinstance(layers, list) or not all(isinstance(x, dict) for x in layers):
        raise UserError(
            f"Expected a network of MatConvNet in {path}, a cell array 'layers', found "
            f"{', '.join(variables) or 'nothing'}. Give imagenet-caffe-alex.mat."
        )
    arrays: dict[str, np.ndarray] = {}
    for layer in layers:
        _check_constants(layer)
        arrays |= dict(_tensors(layer))
    check_numbers({name: array.size for name, array in arrays.items()}, str(path))
    names = [str(layer.get("name")) for layer in layers]
    presets = order_tells(names)
    meta = net.get("meta") if isinstance(net.get("meta"), dict) else net
    assert isinstance(meta, dict)
    return ForeignWeights(
        {name: as_float32(array) for name, array in arrays.items()},
        _rule(meta, path),
        presets or CAFFE_PRESETS,
        bool(presets),
        _labels(meta),
    )


def _tensors(layer: Mapping[str, Any]) -> Iterator[tuple[str, np.ndarray]]:
    values = layer.get("weights")
    if values is None and layer.get("type") == "conv":
        values = [layer.get(name) for name in _EARLIER]
    for index, value in enumerate(values if isinstance(values, list) else []):
        name = str(layer.get("name"))
        part = PARTS[index] if index < len(PARTS) else str(index)
        if isinstance(value, np.ndarray):
            yield f"{name}.{part}", _turned(name, part, value)


def _turned(name: str, part: str, array: np.ndarray) -> np.ndarray:
    """Return an array in our layout; MATLAB leaves out last sides of 1."""
    if part == "bias":
        return array.ravel()
    if part != "kernel" or array.ndim > 4:
        return array
    for _ in range(4 - array.ndim):
        array = array[..., None]
    return array if name in CONV_LAYERS else array.reshape(-1, array.shape[3])


def _check_constants(layer: Mapping[str, Any]) -> None:
    """Refuse a normalisation with other constants than Caffe's."""
    param = layer.get("param")
    if layer.get("type") not in ("normalize", "lrn") or not isinstance(
        param, np.ndarray
    ):
        return
    assert _LRN is not None
    ours = [2 * _LRN.depth_radius + 1, _LRN.bias, _LRN.alpha, _LRN.beta]
    found = param.ravel().tolist()
    if len(found) != 4 or not np.allclose(found, ours, rtol=1e-5, atol=0):
        raise UserError(
            f"Expected normalisations with [n k alpha beta] = {ours} as Caffe's, found "
            f"{found} in {layer.get('name')}. There is no preset for such a network."
        )


def _rule(meta: Mapping[str, Any], path: Path) -> InputRule:
    """Return how pictures are made ready: scaled straight to the input, bicubic."""
    said = meta.get("normalization")
    mean = said.get("averageImage") if isinstance(said, dict) else None
    if not isinstance(mean, np.ndarray) or not mean.size or not np.isfinite(mean).all():
        raise UserError(
            f"Expected normalization.averageImage in {path}, found none. Give the file "
            "as MatConvNet's makers published it."
        )
    size = PRESETS[CAFFE_PRESETS[0]].input_size
    mean = np.asarray(mean, np.float32)
    if mean.size == 3:
        mean = mean.ravel()
    elif mean.shape != (size, size, 3):
        raise UserError(
            f"Expected an averageImage of {size} x {size} x 3 in {path}, found "
            f"{mean.shape}. Give the file of a network for such pictures."
        )
    return InputRule(size, "warp", "bicubic", np.ascontiguousarray(mean))


def _labels(meta: Mapping[str, Any]) -> tuple[str, ...]:
    classes = meta.get("classes")
    names = classes.get("name") if isinstance(classes, dict) else None
    if not isinstance(names, list) or not all(type(name) is str for name in names):
        return ()
    return tuple(names)
