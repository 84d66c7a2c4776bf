"""Against files and answers of PyTorch itself: `tests/tools/torch_files.py`."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet import load
from keras_alexnet.weights.fitting import find_misfits, tell_preset
from keras_alexnet.weights.importing import build_network, import_weights
from keras_alexnet.weights.layout import FileOrder, from_channels_first
from keras_alexnet.weights.torch import MEAN, STD, of_torch, read
from tests import small
from tests.keras_alexnet.weights import small_presets, torch_writer
from tests.reference import network_bound, relative
from tfrecords.errors import UserError

FILES = Path(__file__).parent / "torch_files"
# Both programs round.
LIMIT = 2 * network_bound("float32", small.TERMS, steps=6)


@pytest.fixture(autouse=True)
def small_networks(monkeypatch):
    small_presets.use(monkeypatch)


@pytest.fixture(scope="module")
def answers():
    with np.load(FILES / "answers.npz") as arrays:
        return dict(arrays)


def test_a_state_dict_tells_its_preset_and_the_logits_are_torchs(answers):
    weights = read(FILES / "zip.pth")
    assert tell_preset(weights).name == "one_weird_trick"
    model = build_network(small_presets.ONE_WEIRD_TRICK, weights)
    # What PyTorch feeds, on our scale.
    images = answers["images"].transpose(0, 2, 3, 1) * STD
    logits = model(images.astype("float32"), training=False)
    assert relative(logits, answers["logits"]) <= LIMIT


@pytest.mark.parametrize("name", ["old.pth", "odd.pth"])
def test_other_forms_and_kinds_hold_the_same_numbers(answers, name):
    found, expected = (read(FILES / each).arrays for each in (name, "zip.pth"))
    assert {*found} == {*expected}
    half = {"fc7.bias": np.float16}
    for tensor, array in expected.items():
        if name == "odd.pth" and tensor == "fc8.bias":
            array = np.array([0, 1.5, -2])
        elif name == "odd.pth":
            array = array.astype(half.get(tensor, np.float32))
        np.testing.assert_array_equal(found[tensor], array)
    torchs = {
        "fc7.kernel": answers["classifier.4.weight"],
        "conv2.kernel": answers["features.3.weight"],
    }
    for tensor, array in from_channels_first(torchs, FileOrder("rgb", "chw")).items():
        np.testing.assert_array_equal(expected[tensor], array)


def test_the_whole_path_from_a_picture_is_torchvisions(answers, tmp_path):
    import_weights(FILES / "zip.pth", tmp_path / "net")
    network = load(tmp_path / "net")
    images = network.preprocessing.images(tf.constant([answers["picture"].tobytes()]))
    logits = network.model(images, training=False)
    facts = network.config.preprocessing
    assert facts["stored_size"] == 256 and facts["resize_filter"] == "bilinear"
    assert not {"resize", "mean_at"} & {*facts}
    np.testing.assert_allclose(network.preprocessing.mean[0, 0], MEAN, rtol=1e-6)
    # Pillow rounds after each of its two passes, the graph once.
    theirs = answers["images"].transpose(0, 2, 3, 1) * STD
    assert np.abs(images - theirs).max() <= 1.001
    np.testing.assert_allclose(logits, answers["logits"], atol=1e-4)


def test_a_whole_module_is_refused_by_the_name_of_its_class():
    with pytest.raises(UserError, match="torch.nn.modules.container.Sequential"):
        read(FILES / "module.pth")


def test_names_of_ours_are_taken_and_strange_ones_left_over():
    one = np.ones(2, "float32")
    found = of_torch({"conv1.bias": one, "bn1.weight": one, "features.0.bias": one})
    assert {*found.arrays} == {"conv1.bias", "bn1.weight", "features.0.bias"}
    left = find_misfits(found, small_presets.ONE_WEIRD_TRICK)
    assert {"bn1.weight", "features.0.bias"} <= {row.tensor for row in left}


def test_grouped_convolutions_are_numbered_in_their_order(answers):
    numbers = (0, 4, 8, 10, 12)
    tensors = {
        f"features.{n}.weight": np.full((2, 1, 3, 3), i, "float32")
        for i, n in enumerate(numbers)
    }
    found = of_torch({**tensors, "features.9.bias": np.ones(3, "f")}).arrays
    for i in range(1, 5):
        assert (found[f"conv{i + 1}.kernel"] == i).all()
    assert "features.9.bias" in found


@pytest.mark.parametrize(
    ("pickled", "reason"),
    [
        (b"\x80\x02]K\x01a.", "found a list without tensors"),
        (b"\x80\x02}.", "without tensors"),
        (torch_writer.state_dict(a=b"K\x03"), "found a int at 'a'"),
        (b"\x80\x02}K\x03" + torch_writer.tensor() + b"s.", "at '3'"),
    ],
)
def test_what_is_no_state_dict_is_refused(tmp_path, pickled, reason):
    path = torch_writer.write_zip(tmp_path / "x.pth", pickled)
    with pytest.raises(UserError, match=reason):
        read(path)


def test_one_storage_for_many_tensors_is_not_made_many(tmp_path):
    count = 2**20
    place = torch_writer.storage(count=count)
    many = {
        f"t{n}": torch_writer.tensor(place, shape=(count,), strides=(1,))
        for n in range(200)
    }
    pickled = torch_writer.state_dict(**many)
    path = torch_writer.write_zip(tmp_path / "x.pth", pickled, bytes(4 * count))
    with pytest.raises(UserError, match="no AlexNet has as many"):
        read(path)


def test_blue_first_is_turned_before_the_deviation_of_each_colour_is_taken():
    kernel = np.random.default_rng(0).normal(size=(4, 3, 11, 11)).astype("float32")
    rgb = of_torch({"conv1.weight": kernel}).arrays["conv1.kernel"]
    flipped = {"conv1.weight": kernel[:, ::-1]}
    bgr = of_torch(flipped, FileOrder(channels="bgr")).arrays["conv1.kernel"]
    np.testing.assert_array_equal(bgr, rgb)
