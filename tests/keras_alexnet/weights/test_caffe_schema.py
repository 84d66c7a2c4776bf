import pytest

from keras_alexnet.weights.caffe_schema import field_number, message
from tests.keras_alexnet.weights.caffe_files import field


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("NetParameter", {"name": 1, "layers": 2, "layer": 100}),
        ("LayerParameter", {"name": 1, "type": 2, "blobs": 7}),
        ("V1LayerParameter", {"layer": 1, "name": 4, "type": 5, "blobs": 6}),
        ("V0LayerParameter", {"name": 1, "type": 2, "blobs": 50}),
        ("BlobProto", {"num": 1, "width": 4, "data": 5, "shape": 7, "double_data": 8}),
    ],
)
def test_the_numbers_are_those_of_caffe(name, numbers):
    described = message(name).DESCRIPTOR.fields_by_name
    for field_name, number in numbers.items():
        assert described[field_name].number == number == field_number(name, field_name)


def test_what_is_not_named_is_skipped():
    parsed = message("LayerParameter").FromString(
        field(10, 1) + field(1, "conv1") + field(106, b"\x08\x03")
    )
    assert parsed.name == b"conv1" and not parsed.blobs
