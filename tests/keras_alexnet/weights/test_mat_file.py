import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from scipy.io import savemat

from keras_alexnet.weights import mat_file
from keras_alexnet.weights.mat_file import read_mat
from tfrecords.errors import UserError

HEADER = mat_file.SIGNATURE.ljust(124) + b"\0\x01IM"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "x.mat"

    def write(*elements, header=HEADER):
        path.write_bytes(header + b"".join(elements))
        return path

    return write


@pytest.mark.parametrize("compressed", [False, True])
def test_what_scipy_writes_is_read(tmp_path, compressed):
    cells = np.empty((1, 2), object)
    cells[0, 0], cells[0, 1] = np.arange(3, dtype="f4"), "text"
    single = np.arange(24, dtype="f4").reshape(2, 3, 4)
    written = {
        "one": single,
        "two": np.arange(6.0).reshape(2, 3),
        "nothing": np.zeros((0, 3)),
        "cells": cells,
        "struct": {"a": "b", "inner": {"c": np.array([7])}},
        "several": np.array([(1, "x"), (2, "y")], [("n", object), ("s", object)]),
    }
    savemat(tmp_path / "x.mat", written, do_compression=compressed)
    found = read_mat(tmp_path / "x.mat")
    assert {*found} == {*written}
    np.testing.assert_array_equal(found["one"], single)
    np.testing.assert_array_equal(found["two"], written["two"])
    assert found["nothing"].shape == (0, 3)
    assert found["cells"][0].ravel().tolist() == [0, 1, 2]
    assert found["cells"][1] == "text" and found["struct"]["a"] == "b"
    assert found["struct"]["inner"]["c"].item() == 7
    assert [each["s"] for each in found["several"]] == ["x", "y"]


def element(kind, data):
    return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)


def matrix(kind, sides, *rest):
    shape = struct.pack(f"<{len(sides)}i", *sides)
    flags = element(6, struct.pack("<II", kind, 0))
    return element(14, flags + element(5, shape) + element(1, b"a") + b"".join(rest))


def packed(data):
    squeezed = zlib.compress(data, 9)
    return struct.pack("<II", 15, len(squeezed)) + squeezed


def nested(depth):
    inner = b""
    for _ in range(depth):
        inner = matrix(1, (1, 1), inner or element(14, b""))
    return inner


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (matrix(1, (2**31 - 1, 2**31 - 1)), "more cells than bytes"),
        (matrix(2, (2**30, 1), element(5, b"\4\0\0\0"), element(1, b"abcd")), "cells"),
        (matrix(6, (2**31 - 1, 2**31 - 1), element(9, bytes(8))), "numbers than its"),
        (matrix(6, (-1, 2), element(9, bytes(8))), "a shape that is none"),
        (matrix(6, (1,) * 9, element(9, bytes(8))), "a shape that is none"),
        (matrix(6, (1, 1), element(99, bytes(8))), "no known kind"),
        (matrix(2, (1, 1), element(5, b"\0\0\0\0"), element(1, b"")), "no names"),
        (struct.pack("<II", 14, 2**32 - 1), "ends after the file"),
        (struct.pack("<I", 5 << 16 | 1) + bytes(4), "longer than its place"),
        (b"\1\2\3", "ends too early"),
        (nested(40), "more levels"),
        (element(1, b"") * 100_001, "more elements"),
        (struct.pack("<II", 15, 4) + b"junk", "damaged"),
        (packed(matrix(6, (1, 2), element(9, bytes(8)))), "numbers than its"),
    ],
)
def test_damaged_and_hostile_files_are_refused(file, content, reason):
    path = file(content)
    tracemalloc.start()
    with pytest.raises(UserError, match=reason) as error:
        read_mat(path)
    assert tracemalloc.get_traced_memory()[1] < 64e6
    tracemalloc.stop()
    assert "\n" not in str(error.value)


def test_a_bomb_is_not_unpacked(file, monkeypatch):
    monkeypatch.setattr(mat_file, "MOST_BYTES", 10**6)
    bomb = packed(matrix(9, (2, 10**6), element(2, bytes(2 * 10**6))))
    with pytest.raises(UserError, match="unpacks to more"):
        read_mat(file(bomb))
    half = packed(matrix(9, (6, 10**5), element(2, bytes(6 * 10**5))))
    assert read_mat(file(half))["a"].size == 6 * 10**5
    with pytest.raises(UserError, match="unpacks to more"):
        read_mat(file(half, half))


def test_other_levels_are_named(file):
    with pytest.raises(UserError, match=r"version 7\.3.*-v7"):
        read_mat(file(header=mat_file.HDF5_SIGNATURE.ljust(128)))
    with pytest.raises(UserError, match="header is of another kind"):
        read_mat(file(header=HEADER[:-2] + b"MI"))


@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("compressed", [False, True])
def test_a_truncated_file_is_refused(tmp_path, part, compressed):
    path = tmp_path / "x.mat"
    savemat(
        path,
        {"a": np.random.default_rng(0).normal(size=300)},
        do_compression=compressed,
    )
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(UserError, match="damaged"):
        read_mat(path)
