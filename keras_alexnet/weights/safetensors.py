"""`.safetensors`: our own, with a card or without, and PyTorch's state dicts."""

import math
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from keras_alexnet.trained.names import CARD, STATISTICS
from keras_alexnet.weights.foreign import (
    ForeignWeights,
    InputRule,
    check_file_size,
    check_numbers,
)
from keras_alexnet.weights.layout import OF_FORMAT, FileOrder, in_our_order
from keras_alexnet.weights.own import OWN_RULE, TENSORS
from keras_alexnet.weights.torch import of_torch
from tfrecords.errors import UserError

# Of the names and shapes in front; the library takes 100 MB, of which much would be
# made. A header of AlexNet has 1 kB, and a card as much as its class names need.
MOST_HEADER = 2**22
_KINDS = {"F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL"}


def is_safetensors(start: bytes) -> bool:
    """Tell whether a file starts with the length of a header and its brace."""
    return len(start) > 8 and start[8:9] == b"{"


def read(path: Path, order: FileOrder = OF_FORMAT) -> ForeignWeights:
    """Read tensors that are named as ours, or as PyTorch's state dicts name them.

    Raises:
        UserError: The file is damaged or of another program.
    """
    check_file_size(path)
    try:
        _check_header(path)
        with safe_open(path, framework="numpy") as file:
            # A method of the library: there is no iterating over it.
            names = list(file.keys())
            card = (file.metadata() or {}).get(CARD)
            slices = {name: file.get_slice(name) for name in names}
            counts = {n: math.prod(s.get_shape()) for n, s in slices.items()}
            check_numbers(counts, str(path))
            kinds = {s.get_dtype() for s in slices.values()}
            if not kinds <= _KINDS:
                raise ValueError(f"numbers of kind {', '.join(sorted(kinds - _KINDS))}")
            tensors = {name: _floats(file.get_tensor(name)) for name in names}
    except (SafetensorError, ValueError, OSError, TypeError) as error:
        if isinstance(error, UserError):
            raise
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(
            f"Expected a .safetensors file, found that {path} is damaged ({reason}). "
            "Get it again."
        ) from None
    if card is not None:
        order.refuse("an export of ours")
        return _of_card(card, tensors, path)
    if any(name.endswith(".kernel") and name in TENSORS for name in tensors):
        arrays = in_our_order(tensors, order.of("rgb", "hwc"))
        return ForeignWeights(arrays, OWN_RULE)
    return of_torch({_plain(name): x for name, x in tensors.items()}, order)


def _of_card(text: str, tensors: dict[str, np.ndarray], path: Path) -> ForeignWeights:
    """Return what an export of ours holds: nothing has to be told beside it."""
    from keras_alexnet.trained.card import read_card  # and so TensorFlow

    of_pictures = {n: x for n, x in tensors.items() if n.startswith(STATISTICS)}
    card = read_card(text, of_pictures, str(path))
    facts, statistics = card.config.preprocessing, card.statistics
    means = {"image": statistics.mean_image, "channel": statistics.channel_means}
    rule = InputRule(
        facts["stored_size"],
        facts.get("resize", "short_side"),
        facts["resize_filter"],
        means.get(facts["mean"], np.zeros(3)),
        facts.get("mean_at", "centre"),
    )
    return ForeignWeights(
        {name: x for name, x in tensors.items() if name not in of_pictures},
        rule,
        labels=tuple(card.labels),
        preset=card.config.preset,
        card=card,
    )


def _check_header(path: Path) -> None:
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
    if length > min(MOST_HEADER, path.stat().st_size - 8):
        raise ValueError(f"a header of {length:,} bytes")


def _plain(name: str) -> str:
    return name.removeprefix("module.")


def _floats(tensor: np.ndarray) -> np.ndarray:
    """Return bfloat16, a kind that NumPy does not have of itself, as float32."""
    return tensor.astype(np.float32) if tensor.dtype.name == "bfloat16" else tensor
