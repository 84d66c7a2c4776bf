"""The arrays of an HDF5 file that are in it and nowhere else."""

import io
import math
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from keras_alexnet.weights.foreign import check_file_size, check_numbers
from tfrecords.errors import UserError

SIGNATURE = b"\x89HDF\r\n\x1a\n"
MOST_NAMES = 10_000  # of groups and arrays; a checkpoint of ours has some hundred
DEEPEST = 16


def read_arrays(
    path: Path, root: str, content: bytes | None = None
) -> dict[str, np.ndarray]:
    """Read all arrays below a group, by their path in it, in order of their names.

    Args:
        path: The file.
        root: Name of the group.
        content: The bytes of the HDF5 file where it lies in another one, `path`.

    Raises:
        UserError: It is damaged, has no such group, leads to other files, or holds more
            numbers than any AlexNet.
    """
    check_file_size(path)
    try:
        with h5py.File(path if content is None else io.BytesIO(content), "r") as file:
            link = file.get(root, getlink=True) if root in file else None
            if not isinstance(link, h5py.HardLink):
                raise UserError(f"Expected a group {root!r} in {path}, found none.")
            found = dict(_arrays(file[root], "", 0, [0]))
            counts = {name: array.size for name, array in found.items()}
            check_numbers(counts, str(path))
            return {name: array[()] for name, array in found.items()}
    except UserError:
        raise
    # Its libraries raise whatever they stumble over.
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"Expected an HDF5 file of weights, found that {path} is damaged "
            f"({reason}). Get it again."
        ) from None


def _arrays(
    group: h5py.Group, prefix: str, depth: int, seen: list[int]
) -> Iterator[tuple[str, h5py.Dataset]]:
    for name in group:
        seen[0] += 1
        inside = f"{prefix}{name}"
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise _refused(inside, "a link to elsewhere")
        if seen[0] > MOST_NAMES or depth > DEEPEST:
            raise _refused(inside, "more groups than weights need")
        item = group[name]
        if isinstance(item, h5py.Group):
            yield from _arrays(item, f"{inside}/", depth + 1, seen)
        elif isinstance(item, h5py.Dataset):
            _check_dataset(inside, item)
            yield inside, item


def _check_dataset(name: str, array: h5py.Dataset) -> None:
    if array.external or array.is_virtual:
        raise _refused(name, "an array that lies in another file")
    if array.dtype.kind not in "fiu" or array.shape is None:
        raise _refused(name, f"{array.dtype} in place of numbers")
    # The libraries make room for a piece before they look whether it is there.
    if array.chunks and math.prod(array.chunks) > 2 * max(array.size, 2**20):
        raise _refused(name, "pieces larger than the array")


def _refused(name: str, found: str) -> UserError:
    return UserError(
        f"Expected arrays of numbers in the HDF5 file, found {found} at {name!r}. Give "
        "a file that holds the weights themselves."
    )
