"""Pickles that do harm, or would: each must be refused and leave no trace."""

import os
import pickle
import subprocess
from collections.abc import Callable

import numpy as np


class Calls:
    """Pickled as a call of a function."""

    def __init__(self, function: Callable, *arguments) -> None:
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def named(module: str, name: str, arguments: bytes = b"(t", protocol: int = 2) -> bytes:
    """A pickle that calls what a name leads to."""
    if protocol == 2:
        return b"\x80\x02c" + f"{module}\n{name}\n".encode() + arguments + b"R."
    text = b"".join(b"\x8c" + bytes([len(x)]) + x.encode() for x in (module, name))
    return b"\x80\x04" + text + b"\x93" + arguments + b"R."


def hostile(trace) -> dict[str, bytes]:
    """By name; those that run something would make the file `trace`."""
    touch = f"touch {trace}"
    nested = b"\x80\x02" + b"]" * 3000 + b"a" * 2999 + b"."
    laughs = b"\x80\x02)" + b"2\x86" * 40  # DUP TUPLE2: a tuple of two of itself
    twice = b"\x80\x02)q\x00" + b"".join(
        b"h" + bytes([i]) + b"h" + bytes([i]) + b"\x86q" + bytes([i + 1])
        for i in range(40)
    )
    return {
        "os.system": pickle.dumps(Calls(os.system, touch), 2),
        "Popen": pickle.dumps(Calls(subprocess.Popen, ["touch", str(trace)]), 2),
        "eval": pickle.dumps(Calls(eval, f"open({str(trace)!r}, 'w')"), 4),
        "getattr": named("builtins", "getattr"),
        "numpy.load": named("numpy", "load"),
        "numpy.fromfile": pickle.dumps(Calls(np.fromfile, "/etc/hostname"), 2),
        "numpy.memmap": named("numpy", "memmap"),
        "runstring": named("numpy.testing._private.utils", "runstring"),
        "dotted name": named("numpy", "ndarray.tofile", b")", 4),
        "dotted module": named("numpy.ndarray", "tofile", b")", 4),
        "codecs": named("_codecs", "encode"),
        "extension": b"\x80\x02\x82\x01.",
        "persistent": b"\x80\x02X\x01\x00\x00\x00aQ.",
        "out of band": b"\x80\x05\x97.",
        "new object": b"\x80\x02cnumpy\nndarray\n)\x81.",
        "old instance": b"(inumpy\nndarray\n.",
        "truncated": pickle.dumps({"conv1": [1, 2]}, 2)[:-4],
        "nested": nested,
        "laughs": laughs + b".",
        "laughing key": twice + b"}h\x28K\x01s.",
        "memo of 2^32": b"\x80\x02Nr\xff\xff\xff\x7f0Nr\xff\xff\xff\x7f0.",
        "huge bytes": b"\x80\x04\x8e" + b"\xff" * 7 + b"\x0f" + b"x.",
        "huge frame": b"\x80\x04\x95" + b"\xff" * 7 + b"\x0f" + b"N.",
        "many lists": b"\x80\x02" + b"]" * 200_000 + b".",
        "uninitialised": b"\x80\x02cnumpy\nndarray\nK\x05\x85R.",
        "petabyte": b"\x80\x02cnumpy\nndarray\n\x8a\x07" + b"\0" * 6 + b"\x04\x85R.",
        "nothing": b"",
        "text": b"hello, world\n",
    }
