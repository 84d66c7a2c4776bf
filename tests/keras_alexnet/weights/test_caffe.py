import numpy as np
import pytest

from keras_alexnet.presets import PRESETS
from keras_alexnet.weights import wire_fields
from keras_alexnet.weights.caffe import read
from keras_alexnet.weights.fitting import find_misfits
from keras_alexnet.weights.importing import build_network
from tests import small
from tests.keras_alexnet.weights import caffe_files
from tests.keras_alexnet.weights.caffe_files import blob, caffemodel, field
from tests.reference import network_bound, relative
from tfrecords.errors import UserError

CLASSES = 7
# Both round; a normalisation takes some twenty roundings. Some 7e-6.
LIMIT = 2 * network_bound("float32", small.TERMS, steps=20)
NAMES = caffe_files.layers_of("caffe_alexnet")


@pytest.fixture(scope="module")
def tensors():
    return caffe_files.random_tensors(small.preset("caffe_alexnet"), CLASSES)


@pytest.fixture
def read_bytes(tmp_path):
    def read_it(data):
        path = tmp_path / "net.caffemodel"
        path.write_bytes(data)
        return read(path)

    return read_it


@pytest.mark.parametrize("version", ["V0", "V1", "V2"])
@pytest.mark.parametrize("form", ["shape", "four sides", "unpacked", "double"])
def test_every_generation_of_files_gives_the_same_bits(
    read_bytes, tensors, version, form
):
    found = read_bytes(caffemodel(tensors, NAMES, version, form))
    assert found.presets == ("caffe_alexnet",) and found.certain
    assert not find_misfits(found, small.preset("caffe_alexnet"))
    arrays = found.arrays
    for y, x, channel, of in [(0, 0, 0, 0), (10, 3, 2, 5), (4, 8, 1, 7)]:
        value = tensors["conv1.kernel"][of, 2 - channel, y, x]  # BGR
        assert arrays["conv1.kernel"][y, x, channel, of] == value
    expected = tensors["conv4.kernel"].transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(arrays["conv4.kernel"], expected)
    np.testing.assert_array_equal(arrays["fc7.kernel"], tensors["fc7.kernel"].T)
    for name in ("conv1.bias", "fc8.bias"):
        np.testing.assert_array_equal(arrays[name], tensors[name])
    assert all(a.dtype == np.float32 for a in arrays.values())


def test_the_rows_of_fc6_follow_places_and_not_maps(read_bytes, tensors):
    wide = small.preset("caffe_alexnet", input_size=99)  # 2 x 2 maps
    tensors = caffe_files.random_tensors(wide, CLASSES)
    found = read_bytes(caffemodel(tensors, NAMES)).arrays["fc6.kernel"]
    maps, side = wide.filters[-1], 2
    for unit, channel, y, x in [(3, 5, 1, 0), (0, 7, 0, 1)]:
        ours = found[(y * side + x) * maps + channel, unit]
        assert ours == tensors["fc6.kernel"][unit, (channel * side + y) * side + x]


@pytest.mark.parametrize("preset", caffe_files.ORDERS)
def test_every_blob_is_what_opencv_computes(read_bytes, preset):
    cv2 = pytest.importorskip("cv2", reason="needs opencv-python-headless <5")
    import keras

    shape = small.preset(preset, input_size=99)
    tensors = caffe_files.random_tensors(shape, CLASSES, seed=3)
    names = caffe_files.layers_of(preset)
    data = caffemodel(tensors, names, "V1")
    text = caffe_files.prototxt(preset, shape, CLASSES)
    net = cv2.dnn.readNetFromCaffe(
        np.frombuffer(text.encode(), np.uint8), np.frombuffer(data, np.uint8)
    )
    pixels = np.stack([small.picture(label, 2, 99, 99) for label in (0, 2)])
    images = pixels.astype("float32") - (123, 117, 104)
    net.setInput(np.ascontiguousarray(images[..., ::-1].transpose(0, 3, 1, 2)))
    # A convolution of ours ends in its ReLU.
    shown = [n for n in names if not n.startswith(("conv", "fc"))] + ["fc8"]
    theirs = dict(zip(shown, net.forward(shown), strict=True))
    weights = read_bytes(data)
    assert weights.presets == (preset,)
    model = build_network(shape, weights)
    ours = {n: _layer_of(n, n) for n in shown}
    outputs = keras.Model(
        model.input, {n: model.get_layer(name).output for n, name in ours.items()}
    )(images, training=False)
    for name in shown:
        expected = theirs[name]
        found = np.asarray(outputs[name])
        found = found.transpose(0, 3, 1, 2) if found.ndim == 4 else found
        assert np.abs(expected).max() > 0.01
        assert relative(found, expected) <= LIMIT, name


def _layer_of(name, default):
    if name.startswith("relu"):
        number = int(name[-1])
        return f"conv{number}" if number < 6 else f"fc{number}"
    return default


def damaged(tensors):
    whole = caffemodel(tensors, NAMES)
    layer = field(1, "conv1")
    deep = b""
    for _ in range(2000):
        deep = field(1, deep)
    return {
        "nothing": (b"", "found 0 layers"),
        "half": (whole[: len(whole) // 2], "ends after the file"),
        "a byte": (whole[:-1], "ends after the file|middle of a field"),
        "text": (b"\nthis is no network\n", "damaged"),
        "huge length": (b"\xa2\x06" + b"\xff" * 9 + b"\x01", "ends after the file"),
        "endless number": (b"\x0a" + b"\xff" * 20, "more than ten bytes"),
        "huge inside": (field(100, b"\x3a" + b"\xff" * 8 + b"\x7f"), "ends after"),
        "many layers": (field(100, b"") * 200_000, "more than 100,000 fields"),
        "many blobs": (field(100, field(7, b"") * 200_000), "more than 100,000 fields"),
        "many old blobs": (field(2, field(1, field(50, b"") * 200_000)), "more than"),
        "many sides": (
            field(100, layer + field(7, field(7, field(1, b"\x01" * 5000)))),
            "a few sides",
        ),
        "shape and numbers": (
            field(100, layer + field(7, field(5, b"\0" * 8) + field(1, 3))),
            "Expected 3 numbers of conv1.kernel",
        ),
        "huge shape": (
            field(100, layer + field(7, field(1, 2**31 - 1) * 4)),
            "found 0",
        ),
        "negative": (
            field(100, layer + field(7, field(7, field(1, b"\xff" * 9 + b"\x01")))),
            "Expected",
        ),
        "nested": (field(100, deep), "none or are damaged|0 layers|no weights"),
        "two of a name": (whole + whole, "found two"),
        "prototxt": (b'name: "AlexNet"\nlayer { }\n', "damaged"),
        "no weights": (caffemodel({}, NAMES), "no weights"),
    }


@pytest.mark.parametrize("case", damaged({}))
def test_what_is_damaged_is_refused_in_one_line(read_bytes, tensors, case):
    data, reason = damaged(tensors)[case]
    with pytest.raises(UserError, match=reason) as error:
        read_bytes(data)
    assert "\n" not in str(error.value)


def test_a_file_without_the_order_of_layers_is_of_either(read_bytes, tensors):
    bare = [name for name in NAMES if f"{name}.kernel" in tensors]
    found = read_bytes(caffemodel(tensors, bare))
    assert found.presets == ("caffe_alexnet", "caffenet") and not found.certain
    assert {*found.presets} <= {*PRESETS}


def test_more_blobs_than_two_are_left_over(read_bytes, tensors):
    extra = field(100, field(1, "bn1") + field(7, blob(np.ones(3, "f"))) * 3)
    found = read_bytes(caffemodel(tensors, NAMES) + extra)
    left = [row.tensor for row in find_misfits(found, small.preset("caffe_alexnet"))]
    assert left == ["bn1.kernel", "bn1.bias", "bn1.2"]


def test_numbers_beyond_float32_are_not_finite(read_bytes, tensors):
    wide = {**tensors, "fc8.bias": np.full(CLASSES, 1e300)}
    found = read_bytes(caffemodel(wide, NAMES, form="double"))
    (row,) = find_misfits(found, small.preset("caffe_alexnet"))
    assert row == ("fc8.bias", "finite", "7 that are not")


def test_the_limit_leaves_room_for_every_net(tensors):
    assert wire_fields.MOST_FIELDS > 100 * len(NAMES)
