import numpy as np
import pytest

from keras_alexnet.serving.binary_tensors import read_texts, split_body, write_tensor
from keras_alexnet.serving.refusal import Refusal


def test_the_json_ends_where_the_header_says():
    assert split_body(b"{}abc", None) == (b"{}abc", b"")
    assert split_body(b"{}abc", "2") == (b"{}", b"abc")
    assert split_body(b"{}", "2") == (b"{}", b"")
    for wrong in ("3", "-1", "", "2.0", "²"):
        with pytest.raises(Refusal, match="Expected Inference-Header") as refused:
            split_body(b"{}", wrong)
        assert refused.value.status == 400


def test_texts_are_their_lengths_and_their_bytes():
    assert write_tensor(np.array([["a", "ä"]], object), "BYTES") == (
        b"\1\0\0\0a" + b"\2\0\0\0" + "ä".encode()
    )
    whole = np.array(["", "red", "ä" * 300], object)
    assert read_texts(write_tensor(whole, "BYTES"), "x") == [
        text.encode() for text in whole
    ]
    assert read_texts(b"", "x") == []
    for cut in (b"\1\0\0\0", b"\1\0\0", b"\1\0\0\0ab\0\0", b"\xff\xff\xff\xffa"):
        with pytest.raises(Refusal, match="x: .* is cut off"):
            read_texts(cut, "x")


def test_numbers_are_little_endian():
    assert write_tensor(np.float32([[1, -2]]), "FP32") == b"\0\0\x80?\0\0\0\xc0"
    assert write_tensor(np.int64([258]), "INT64") == b"\2\1\0\0\0\0\0\0"
