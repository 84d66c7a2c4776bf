"""PyTorch's files as they are without PyTorch: tensors, and the bytes they lie in."""

import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from keras_alexnet.weights.foreign import MOST_BYTES
from keras_alexnet.weights.pickled import Refused, read_pickle
from keras_alexnet.weights.zip_file import open_zip, read_entry
from tfrecords.errors import UserError

# The pickle of the number that older files begin with.
OLD_SIGNATURE = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_OLD_PROTOCOL = 1001
MOST_PICKLE = 2**24  # bytes of the names and shapes; those of AlexNet are 2 kB
_WIDTHS = {"f4": 4, "f8": 8, "f2": 2, "bf16": 2, "i8": 8, "i4": 4, "u1": 1}
_STORAGES = {
    **{"FloatStorage": "f4", "DoubleStorage": "f8", "HalfStorage": "f2"},
    **{"BFloat16Storage": "bf16", "LongStorage": "i8", "IntStorage": "i4"},
    **{"ByteStorage": "u1"},
}


class Kind(NamedTuple):
    """Stands for a class of storages: what its numbers are."""

    name: str


class Storage(NamedTuple):
    """A piece of memory that tensors lie in: its key, numbers and their kind."""

    key: str
    numbers: int
    kind: str


class Tensor(NamedTuple):
    """Where the numbers of a tensor are in their storage, all checked."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def of(self, data: bytes) -> np.ndarray:
        """Return its numbers, bfloat16 as float32.

        Args:
            data: The bytes of its storage.
        """
        kind = self.storage.kind
        numbers = np.frombuffer(data, "<u2" if kind == "bf16" else f"<{kind}")
        if kind == "bf16":  # the upper half of a float32
            numbers = (numbers.astype("<u4") << 16).view("<f4")
        view = np.lib.stride_tricks.as_strided(
            numbers[self.offset :],
            self.shape,
            [stride * numbers.itemsize for stride in self.strides],
            writeable=False,
        )
        return np.ascontiguousarray(view)


class _Dictionary(dict):
    """Stands for an OrderedDict; what else it remembers is left out."""

    def take_state(self, state: Any) -> None:
        pass


def read_torch(path: Path) -> tuple[Any, Callable[[Storage], bytes]]:
    """Read what `torch.save` wrote, of either form.

    Args:
        path: A zip file, or of the older form.

    Returns:
        The object, with `Tensor` for tensors, and what reads the bytes of a storage.

    Raises:
        UserError: It is damaged, or has more in it than tensors.
    """
    with open(path, "rb") as file:
        if file.read(len(OLD_SIGNATURE)) == OLD_SIGNATURE:
            return _read_old(file, path)
    return _read_zip(path)


def _read_zip(path: Path) -> tuple[Any, Callable[[Storage], bytes]]:
    with open_zip(path) as opened:
        names = opened.namelist()
        pickles = [name for name in names if name.rpartition("/")[2] == "data.pkl"]
        if len(pickles) != 1 or any(n.endswith("/constants.pkl") for n in names):
            raise UserError(
                f"Expected one state dict in {path}, found {len(pickles)} of data.pkl "
                "or a TorchScript program. Save it with: "
                "torch.save(model.state_dict(), FILE)."
            )
        folder = pickles[0].rpartition("/")[0]
        order = f"{folder}/byteorder"
        if order in names and read_entry(opened, order, 100) != b"little":
            raise _big_endian(path)
        data = read_entry(opened, pickles[0], MOST_PICKLE)

    def bytes_of(storage: Storage) -> bytes:
        with open_zip(path) as opened:
            name = f"{folder}/data/{storage.key}"
            found = read_entry(opened, name, _size(storage))
        if len(found) != _size(storage):
            raise _damaged(path, f"{name} is shorter than the pickle says")
        return found

    return _unpickle(io.BytesIO(data), len(data), path), bytes_of


def _read_old(file: BinaryIO, path: Path) -> tuple[Any, Callable[[Storage], bytes]]:
    size, where = path.stat().st_size, str(path)
    protocol = read_pickle(file, size, {}, where=where)
    system = read_pickle(file, size, {}, where=where)
    little = isinstance(system, dict) and system.get("little_endian") is True
    if protocol != _OLD_PROTOCOL or not little:
        raise _big_endian(path)
    storages: dict[str, Storage] = {}
    thing = _unpickle(file, size, path, storages)
    keys = read_pickle(file, size, {}, where=where)
    places: dict[str, int] = {}
    for key in keys if isinstance(keys, list) else []:
        storage = storages.get(key) if isinstance(key, str) else None
        count = int.from_bytes(file.read(8), "little", signed=True)
        if storage is None or count != storage.numbers:
            raise _damaged(path, "a storage is not as the pickle says")
        places[key] = file.tell()
        file.seek(_size(storage), 1)
    if size < file.tell():
        raise _damaged(path, "it is cut off")

    def bytes_of(storage: Storage) -> bytes:
        if storage.key not in places:
            raise _damaged(path, f"storage {storage.key} is missing")
        with open(path, "rb") as again:
            again.seek(places[storage.key])
            return again.read(_size(storage))

    return thing, bytes_of


def _unpickle(
    file: BinaryIO, size: int, path: Path, seen: dict[str, Storage] | None = None
) -> Any:
    def persistent(key: Any) -> Storage:
        known = type(key) is tuple and len(key) in (5, 6) and key[0] == "storage"
        if not known or (len(key) == 6 and key[5] is not None):
            raise Refused("it asks for what is no storage")
        _, kind, name, _, count = key[:5]
        if type(kind) is not Kind or type(name) is not str or type(count) is not int:
            raise Refused("a storage is none")
        storage = Storage(name, count, kind.name)
        if not name.isalnum() or not 0 <= _size(storage) <= MOST_BYTES:
            raise Refused(f"a storage {name[:20]!r} of {count:,} numbers")
        if seen is not None and seen.setdefault(name, storage) != storage:
            raise Refused("one storage is of two kinds")
        return storage

    return read_pickle(file, size, _NAMES, persistent, str(path))


def _size(storage: Storage) -> int:
    return storage.numbers * _WIDTHS[storage.kind]


def _rebuild_tensor(
    storage: Any, offset: Any, shape: Any, strides: Any, *_: Any
) -> Tensor:
    if type(storage) is not Storage or type(offset) is not int or offset < 0:
        raise Refused("a tensor lies in no storage")
    for sides in (shape, strides):
        if type(sides) is not tuple or len(sides) > 8:
            raise Refused("a tensor has no shape")
        if not all(type(side) is int and 0 <= side < 2**40 for side in sides):
            raise Refused("a tensor has a shape that is none")
    count = math.prod(shape)
    steps = zip(shape, strides, strict=True)  # of another length: refused
    last = offset + sum((side - 1) * stride for side, stride in steps)
    if count > storage.numbers or (count and last >= storage.numbers):
        raise Refused("a tensor is larger than its storage")
    return Tensor(storage, offset, shape, strides)


def _rebuild_parameter(tensor: Any, *_: Any) -> Tensor:
    if type(tensor) is not Tensor:
        raise Refused("a parameter is no tensor")
    return tensor


def _dictionary(*items: Any) -> _Dictionary:
    if items:
        raise Refused("a dictionary is made of something")
    return _Dictionary()


_NAMES: dict[str, Any] = {
    "collections.OrderedDict": _dictionary,
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
    "torch._utils._rebuild_parameter": _rebuild_parameter,
    **{f"torch.{name}": Kind(kind) for name, kind in _STORAGES.items()},
}


def _big_endian(path: Path) -> UserError:
    return UserError(
        f"Expected numbers in little-endian order, {path} has others or is damaged. "
        "Save it on another machine, or get it again."
    )


def _damaged(path: Path, reason: str) -> UserError:
    return UserError(
        f"Expected a file of PyTorch, found that {path} is damaged ({reason}). Get it "
        "again."
    )
