import numpy as np
import pytest

from keras_alexnet.weights.layout import (
    FileOrder,
    as_float32,
    from_channels_first,
    in_our_order,
)
from tfrecords.errors import UserError


def test_kernels_are_turned_and_odd_shapes_stay_odd():
    generator = np.random.default_rng(0)
    conv = generator.normal(size=(4, 3, 11, 11))
    tensors = {
        "conv1.kernel": conv,
        "conv1.bias": np.ones((1, 1, 1, 4)),
        "conv2.kernel": np.ones((4, 5)),
        "conv5.bias": np.ones(2),
        "fc6.kernel": generator.normal(size=(3, 8)),
        "fc7.kernel": np.ones((1, 1, 5, 3)),
        "fc8.kernel": np.ones((7, 3, 1)),
        "fc8.bias": np.ones((7, 2)),
        "scale": np.ones((2, 3)),
    }
    rgb = from_channels_first(tensors, FileOrder("rgb", "chw"))
    np.testing.assert_array_equal(
        rgb["conv1.kernel"], conv.transpose(2, 3, 1, 0).astype("float32")
    )
    bgr = from_channels_first(tensors, FileOrder("bgr", "chw"))["conv1.kernel"]
    np.testing.assert_array_equal(bgr[:, :, ::-1], rgb["conv1.kernel"])
    shapes = {name: array.shape for name, array in rgb.items()}
    assert shapes["conv1.bias"] == (4,) and shapes["fc7.kernel"] == (3, 5)
    assert shapes["conv2.kernel"] == (4, 5) and shapes["fc8.kernel"] == (7, 3, 1)
    assert shapes["fc8.bias"] == (7, 2) and shapes["scale"] == (2, 3)
    order = [(y * 2 + x) * 2 + c for c in range(2) for y in range(2) for x in range(2)]
    np.testing.assert_array_equal(
        rgb["fc6.kernel"][order], tensors["fc6.kernel"].T.astype("float32")
    )


def test_an_order_that_is_known_is_taken_over_that_of_the_format():
    order = FileOrder("rgb")
    assert order.of("bgr", "chw") == FileOrder("rgb", "chw")
    assert FileOrder(None, "hwc").of("bgr", "chw") == FileOrder("bgr", "hwc")
    with pytest.raises(UserError, match="Expected no --channels rgb with a thing"):
        order.refuse("a thing")
    with pytest.raises(UserError, match="--channels bgr and --fc6-order chw with"):
        FileOrder("bgr", "chw").refuse("a thing")
    FileOrder().refuse("a thing")


def test_rows_of_places_stay_and_those_of_maps_are_turned():
    rows = np.arange(2 * 3 * 3 * 4, dtype="float32").reshape(18, 4)
    tensors = {"fc6.kernel": rows, "conv5.bias": np.zeros(2, "float32")}
    places = in_our_order(tensors, FileOrder("rgb", "hwc"))["fc6.kernel"]
    np.testing.assert_array_equal(places, rows)
    turned = in_our_order(tensors, FileOrder("rgb", "chw"))["fc6.kernel"]
    for row in range(18):
        place, of_map = divmod(row, 2)
        np.testing.assert_array_equal(turned[row], rows[of_map * 9 + place])


@pytest.mark.parametrize("kind", [np.float16, np.float64])
def test_floats_of_any_width_become_float32_and_integers_stay(kind):
    found = as_float32(np.array([[1.5, -2]], kind).T)
    assert found.dtype == np.float32 and found.flags.c_contiguous
    assert found.tolist() == [[1.5], [-2]]
    assert as_float32(np.array([1])).dtype.kind == "i"
    assert np.isinf(as_float32(np.array([1e300]))).all()
