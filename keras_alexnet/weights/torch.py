"""State dicts of PyTorch, `.pth` or `.pt`, read without it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from keras_alexnet.models.layer_table import CONV_LAYERS
from keras_alexnet.weights.foreign import (
    ForeignWeights,
    InputRule,
    check_file_size,
    check_numbers,
)
from keras_alexnet.weights.layout import (
    OF_FORMAT,
    FileOrder,
    as_float32,
    from_channels_first,
)
from keras_alexnet.weights.torch_tensors import Tensor, read_torch
from tfrecords.errors import UserError

# torchvision's transforms for its alexnet. It feeds (x / 255 - mean) / std; here the
# mean is subtracted on the scale of 0-255, and conv1's kernel divided by 255 std. The
# mean is not folded into the bias: conv1 pads with zeros, which mean the mean colour.
MEAN = 255 * np.array([0.485, 0.456, 0.406])
STD = 255 * np.array([0.229, 0.224, 0.225])
TORCH_RULE = InputRule(256, "short_side", "bilinear", MEAN.astype("float32"))
_DENSE = ("fc6", "fc7", "fc8")
_PARTS = {"weight": "kernel", "bias": "bias"}
_NUMBERED = re.compile(r"(features|classifier)\.(\d{1,3})\.(weight|bias)")


def read(path: Path, order: FileOrder = OF_FORMAT) -> ForeignWeights:
    """Read the state dict that `torch.save` wrote, or that is in what it wrote.

    Raises:
        UserError: The file is damaged, has more in it than tensors, or no state dict.
    """
    check_file_size(path)
    thing, bytes_of = read_torch(path)
    tensors = _state_dict(thing, path)
    counts = {name: int(np.prod(t.shape, dtype=object)) for name, t in tensors.items()}
    check_numbers(counts, str(path))
    storages = {tensor.storage for tensor in tensors.values()}
    # The numbers of a storage that several tensors share are counted for each.
    check_numbers({s.key: s.numbers for s in storages}, str(path))
    found: dict[str, np.ndarray] = {}
    for storage in storages:
        data = bytes_of(storage)
        found |= {n: t.of(data) for n, t in tensors.items() if t.storage == storage}
    return of_torch({name: found[name] for name in tensors}, order)


def of_torch(
    tensors: Mapping[str, np.ndarray], order: FileOrder = OF_FORMAT
) -> ForeignWeights:
    """Return weights of PyTorch as a reader gives them.

    Args:
        tensors: By their names in the state dict: `features.N.weight` with convolutions
            in the order of N, `classifier.N.weight`; or `conv1.weight`, `fc6.weight`.
        order: What is known of its numbers.
    """
    arrays = from_channels_first(_renamed(tensors), order.of("rgb", "chw"))
    kernel = arrays.get("conv1.kernel")
    if kernel is not None and kernel.ndim == 4 and kernel.shape[2] == len(STD):
        arrays["conv1.kernel"] = as_float32(kernel / STD[:, None])
    return ForeignWeights(arrays, TORCH_RULE)


def _state_dict(thing: Any, path: Path) -> dict[str, Tensor]:
    if isinstance(thing, dict) and isinstance(thing.get("state_dict"), dict):
        thing = thing["state_dict"]
    found = {}
    if isinstance(thing, dict):
        for name, value in thing.items():
            if type(name) is not str or type(value) is not Tensor:
                raise UserError(
                    f"Expected a state dict of names and tensors in {path}, found a "
                    f"{type(value).__name__} at {str(name)[:60]!r}. Save it with: "
                    "torch.save(model.state_dict(), FILE)."
                )
            found[name.removeprefix("module.")] = value
    if not found:
        raise UserError(
            f"Expected a state dict in {path}, found a {type(thing).__name__} without "
            "tensors. Save it with: torch.save(model.state_dict(), FILE)."
        )
    return found


def _renamed(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Give the layers our names: the first convolution is conv1, and so on."""
    places: dict[str, list[int]] = {"features": [], "classifier": []}
    for name in tensors:
        numbered = _NUMBERED.fullmatch(name)
        if numbered and numbered[3] == "weight" and tensors[name].ndim in (2, 4):
            places[numbered[1]].append(int(numbered[2]))
    ours: dict[str, str] = {}
    for room, layers in (("features", CONV_LAYERS), ("classifier", _DENSE)):
        numbers = sorted(places[room])
        if len(numbers) == len(layers):
            ours |= {f"{room}.{n}": x for n, x in zip(numbers, layers, strict=True)}
    found = {}
    for name, tensor in tensors.items():
        layer, _, part = name.rpartition(".")
        known = part in _PARTS and (layer in ours or layer in {*CONV_LAYERS, *_DENSE})
        turned = f"{ours.get(layer, layer)}.{_PARTS[part]}" if known else name
        found[name if turned in found else turned] = tensor
    return found
