"""Files of features: a module each, with a `write`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keras_alexnet.registry import Registry
from tfrecords.errors import UserError

if TYPE_CHECKING:
    from keras_alexnet.inference.feature_files.table import FeatureTable

# By the ending of the file: `write(table, path)`, the same bytes for the same table.
FEATURE_FILES: Registry[Callable[["FeatureTable", Path], None]] = Registry(
    "ending of a file of features",
    {
        ".npy": "keras_alexnet.inference.feature_files.npy:write",
        ".npz": "keras_alexnet.inference.feature_files.npz:write",
        ".h5": "keras_alexnet.inference.feature_files.h5:write",
        ".mat": "keras_alexnet.inference.feature_files.mat:write",
        ".parquet": "keras_alexnet.inference.feature_files.parquet:write",
        ".tfrecord": "keras_alexnet.inference.feature_files.tfrecord:write",
    },
)


@dataclass(frozen=True)
class _Limits:
    several: bool = True  # layers in one file
    float16: bool = True
    most_bytes: int | None = None  # of a layer's array


_LIMITS = {
    ".npy": _Limits(several=False),
    ".mat": _Limits(float16=False, most_bytes=2**31 - 1),
    ".tfrecord": _Limits(float16=False),
}


def check_feature_file(
    path: Path, layer_bytes: Mapping[str, int], dtype: str = "float32"
) -> None:
    """Refuse what a kind of file cannot hold, before anything is computed.

    Args:
        path: File to be written, whose ending says what it is.
        layer_bytes: Name of a layer -> bytes of all its features.
        dtype: float32 or float16.

    Raises:
        UserError: Unknown ending, more than it can hold, or a package is missing.
    """
    ending = path.suffix
    FEATURE_FILES[ending]  # imports what it needs
    limits = _LIMITS.get(ending, _Limits())
    if len(layer_bytes) > 1 and not limits.several:
        raise UserError(
            f"Expected one layer for {path}, as {ending} holds one array, got "
            f"{', '.join(layer_bytes)}. Take .npz or .h5, or a file for each."
        )
    if dtype == "float16" and not limits.float16:
        raise UserError(
            f"Expected --dtype float32 for {path}, as {ending} has no numbers of 16 "
            "bits. Take .npy, .npz, .h5 or .parquet for float16."
        )
    for name, size in layer_bytes.items():
        if limits.most_bytes is not None and size > limits.most_bytes:
            raise UserError(
                f"Expected at most {limits.most_bytes:,} bytes a layer for {path}, as "
                f"{ending} holds no more; {name} may have {size:,}. Take .h5, which "
                "MATLAB reads too, or fewer pictures."
            )
