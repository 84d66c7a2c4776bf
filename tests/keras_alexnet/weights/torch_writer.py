"""Files of PyTorch's two forms, put together by hand around a pickle."""

import zipfile
from pathlib import Path

from keras_alexnet.weights.torch_tensors import OLD_SIGNATURE


def number(value: int) -> bytes:
    """The pickle of a whole number of up to eight bytes."""
    return b"\x8a\x09" + value.to_bytes(9, "little", signed=True)


def text(value: str) -> bytes:
    return b"X" + len(value.encode()).to_bytes(4, "little") + value.encode()


def storage(key="0", count=4, kind="FloatStorage", more=b"") -> bytes:
    """The pickle of what `persistent_load` is asked for."""
    named = b"ctorch\n" + kind.encode() + b"\n"
    whole = text("storage") + named + text(key) + text("cpu") + number(count)
    return b"(" + whole + more + b"tQ"


def tensor(place=None, offset=0, shape=(2, 2), strides=(2, 1)) -> bytes:
    """The pickle of a tensor."""
    sides = [b"(" + b"".join(map(number, each)) + b"t" for each in (shape, strides)]
    arguments = (place or storage()) + number(offset) + b"".join(sides) + b"\x89}"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + arguments + b"tR"


def state_dict(**tensors: bytes) -> bytes:
    items = b"".join(text(name) + made for name, made in tensors.items())
    return b"\x80\x02ccollections\nOrderedDict\n)R(" + items + b"u."


def write_zip(path: Path, pickled: bytes, data=bytes(16), **entries: bytes) -> Path:
    """Write the zip form; entries beside the usual ones by name."""
    usual = {"data.pkl": pickled, "data/0": data, "byteorder": b"little"}
    with zipfile.ZipFile(path, "w") as written:
        for name, content in {**usual, **entries}.items():
            written.writestr(f"net/{name}", content)
    return path


def write_old(path: Path, pickled: bytes, data=bytes(16), count=4) -> Path:
    """Write the older form."""
    system = b"\x80\x02}" + text("little_endian") + b"\x88s."
    head = OLD_SIGNATURE + b"\x80\x02M\xe9\x03." + system
    keys = b"\x80\x02]" + text("0") + b"a."
    path.write_bytes(head + pickled + keys + count.to_bytes(8, "little") + data)
    return path
