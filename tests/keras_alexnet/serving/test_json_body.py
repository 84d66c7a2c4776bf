import numpy as np
import pytest
from starlette.requests import Request

from keras_alexnet.serving.json_body import (
    JSON,
    check_type,
    field_of,
    images_of,
    parse_json,
    picture_bytes_of,
)
from keras_alexnet.serving.refusal import Refusal

SHAPE = (2, 2, 3)


def ask(**headers):
    given = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": given})


def test_types_are_compared_without_their_parameters():
    check_type(ask(**{"content-type": "Application/JSON; charset=utf-8"}), JSON)
    check_type(ask(), JSON, "")
    with pytest.raises(Refusal, match="got none") as refused:
        check_type(ask(), JSON)
    assert refused.value.status == 415
    with pytest.raises(Refusal, match="not compressed, got gzip"):
        check_type(ask(**{"content-type": JSON, "content-encoding": "gzip"}), JSON)


def test_json_of_any_encoding_is_read():
    assert parse_json('{"ä": 1}'.encode()) == {"ä": 1}
    assert parse_json('{"ä": 1}'.encode("utf-16")) == {"ä": 1}
    with pytest.raises(Refusal, match="JSON Parse error"):
        parse_json(b'{"\xff": 1}')


def test_base64_is_read_strictly():
    assert picture_bytes_of("/9j/", "x") == b"\xff\xd8\xff"
    for wrong in ("/9j", "_9j_", "/9j/ ", "ä", None, 5, ["/9j/"]):
        with pytest.raises(Refusal, match="x: expected a picture's bytes") as refused:
            picture_bytes_of(wrong, "x")
        assert refused.value.status == 400


def test_images_have_the_shape_of_the_network():
    values = np.arange(24.0).reshape(2, *SHAPE)
    found = images_of(values.tolist(), SHAPE, "x")
    assert found.dtype == np.float32 and np.array_equal(found, values)
    assert images_of([], SHAPE, "x").shape == (0, *SHAPE)
    huge = values.copy()
    huge[0, 0, 0, 0] = 1e300
    for wrong in (
        values[0].tolist(),
        values[:, :1].tolist(),
        [[1, 2], [3]],
        huge.tolist(),
        [["a"]],
        [None],
        [{}],
        True,
        5,
    ):
        with pytest.raises(Refusal, match="x: expected finite numbers") as refused:
            images_of(wrong, SHAPE, "x")
        assert refused.value.status == 400


def test_fields_are_of_their_kind():
    assert field_of({"a": 1}, "a", int, None) == 1
    assert field_of({}, "a", int, None) is None
    with pytest.raises(Refusal, match="Expected a to be a int, got a str"):
        field_of({"a": "1"}, "a", int, None)
