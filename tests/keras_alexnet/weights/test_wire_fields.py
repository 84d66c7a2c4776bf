import mmap

import pytest

from keras_alexnet.weights.wire_fields import MOST_FIELDS, WireFields
from tests.keras_alexnet.weights.caffe_files import field


@pytest.fixture
def fields_of(tmp_path):
    def make(data):
        (tmp_path / "x").write_bytes(data)
        with open(tmp_path / "x", "rb") as file:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return WireFields(content), len(data)

    return make


def test_fields_of_bytes_are_found_between_others(fields_of):
    data = field(1, 300) + field(2, b"abc") + b"\x1d" + bytes(4) + b"\x21" + bytes(8)
    fields, size = fields_of(data + field(100, b"d"))
    found = list(fields.of(0, size))
    assert [(number, fields.content[a:b]) for number, a, b in found] == [
        (2, b"abc"),
        (100, b"d"),
    ]
    assert fields.seen == 5


def test_groups_are_refused_and_all_fields_share_one_limit(fields_of):
    fields, size = fields_of(b"\x0b\x0c")
    with pytest.raises(ValueError, match="unknown kind 3"):
        list(fields.of(0, size))
    fields, size = fields_of(field(7, b"") * (MOST_FIELDS // 2 + 1))
    fields.count(0, size)
    with pytest.raises(ValueError, match="more than"):
        fields.count(0, size)


def test_an_inner_message_is_counted_too(fields_of):
    fields, size = fields_of(field(1, field(7, b"") * 5) + field(2, field(7, b"") * 9))
    fields.count(0, size, inner=1)
    assert fields.seen == 2 + 5
