import hashlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_alexnet import load
from keras_alexnet.evaluation.accuracy import evaluate
from keras_alexnet.export.saved_model import export
from keras_alexnet.weights.importing import import_weights, mean_statistics
from keras_alexnet.weights.published import PUBLISHED, PublishedFile
from tests import small
from tests.keras_alexnet.weights import caffe_files, small_presets
from tfrecords import Statistics
from tfrecords.errors import UserError

CLASSES = 7
TENSORS = caffe_files.random_tensors(small_presets.CAFFENET, CLASSES)
TENSORS["fc8.kernel"] *= 0.01  # so that no class has all of the probability


@pytest.fixture(autouse=True)
def small_networks(monkeypatch):
    small_presets.use(monkeypatch)


@pytest.fixture
def caffenet(tmp_path):
    path = tmp_path / "net.caffemodel"
    names = caffe_files.layers_of("caffenet")
    path.write_bytes(caffe_files.caffemodel(TENSORS, names, "V1"))
    return path


@pytest.fixture
def mean_file(tmp_path):
    mean = np.random.default_rng(1).uniform(90, 130, (3, 256, 256)).astype("float32")
    (tmp_path / "mean.binaryproto").write_bytes(caffe_files.blob(mean))
    return tmp_path / "mean.binaryproto"


def of_opencv(path, square, mean):
    """Probabilities by OpenCV of the centre of a picture of 256 x 256, RGB."""
    cv2 = pytest.importorskip("cv2", reason="needs opencv-python-headless <5")
    side = small_presets.CAFFENET.input_size
    low = (256 - side) // 2
    view = (square - mean)[low : low + side, low : low + side, ::-1]
    text = caffe_files.prototxt("caffenet", small_presets.CAFFENET, CLASSES)
    net = cv2.dnn.readNetFromCaffe(
        np.frombuffer(text.encode(), np.uint8),
        np.frombuffer(path.read_bytes(), np.uint8),
    )
    net.setInput(np.ascontiguousarray(view.transpose(2, 0, 1)[None], np.float32))
    logits = net.forward()[0].astype("float64")
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


def probabilities(network, file):
    (found,) = network.predict([file], top=CLASSES)
    assert not found.error
    return np.array(found.scores)[np.argsort(found.classes)]


@pytest.mark.parametrize("kind", ["image", "colour"])
def test_from_a_picture_to_the_probabilities_of_opencv(
    caffenet, mean_file, tmp_path, kind
):
    given = {"mean": mean_file} if kind == "image" else {}
    told = import_weights(caffenet, tmp_path / "net", **given)
    assert (told.format, told.preset, told.classes) == ("caffemodel", "caffenet", 7)
    picture = tmp_path / "wide.png"
    # A quarter as large and whole numbers, so that all filters agree but for rounding.
    pixels = np.kron(small.picture(1, 4, 256, 256), np.ones((1, 3, 1), np.uint8))
    Image.fromarray(pixels).save(picture)
    square = np.asarray(
        Image.fromarray(pixels).resize((256, 256), Image.Resampling.BILINEAR), "float64"
    )
    mean = np.array([123.0, 117, 104])
    if kind == "image":
        mean = small_mean(mean_file)
    expected = of_opencv(caffenet, square, mean)
    network = load(tmp_path / "net")
    # The bound of two runtimes; a pixel of a tie may round to the other side too.
    assert expected.max() < 0.9
    np.testing.assert_allclose(probabilities(network, picture), expected, atol=1e-4)
    served = load(export(network, tmp_path / "served"))
    again = probabilities(served, picture)
    np.testing.assert_allclose(again, probabilities(network, picture), atol=1e-6)


def small_mean(path):
    data = np.frombuffer(path.read_bytes(), np.uint8)
    # The numbers stand behind the key and a length of three bytes.
    numbers = data[4 : 4 + 4 * 3 * 256**2].copy().view("<f4").reshape(3, 256, 256)
    return numbers[::-1].transpose(1, 2, 0).astype("float64")


def test_the_folder_says_what_the_weights_need(caffenet, mean_file, tmp_path):
    import_weights(caffenet, tmp_path / "colour")
    network = load(tmp_path / "colour")
    assert network.labels == [str(n) for n in range(CLASSES)]
    facts = network.config.preprocessing
    assert facts["resize"] == "warp" and facts["resize_filter"] == "bilinear"
    assert facts["mean"] == "channel" and "mean_at" not in facts
    assert network.config.preset.recipe.mean == "channel"
    assert network.preprocessing.mean[0, 0].tolist() == [123, 117, 104]
    import_weights(caffenet, tmp_path / "image", mean=mean_file)
    facts = load(tmp_path / "image").config.preprocessing
    assert (facts["mean"], facts["mean_at"]) == ("image", "view")
    # Of ten views each loses the mean at its own place, as Caffe does it.
    black = small.encode(np.zeros((256, 256, 3), np.uint8), "PNG")
    views = load(tmp_path / "image").preprocessing.images(tf.constant([black]), 10)[0]
    corner = -small_mean(mean_file)[:99, :99].astype("float32")
    np.testing.assert_array_equal(views[0], corner)
    np.testing.assert_array_equal(views[5], corner[:, ::-1])


def test_every_weight_arrives_bit_for_bit(caffenet, tmp_path):
    import_weights(caffenet, tmp_path / "net")
    model = load(tmp_path / "net").model
    kernel = model.get_layer("conv3").kernel.numpy()
    np.testing.assert_array_equal(kernel, TENSORS["conv3.kernel"].transpose(2, 3, 1, 0))
    kernel = model.get_layer("fc8").kernel.numpy()
    np.testing.assert_array_equal(kernel, TENSORS["fc8.kernel"].T)
    bias = model.get_layer("conv1").bias.numpy()
    np.testing.assert_array_equal(bias, TENSORS["conv1.bias"])


def test_hashes_are_checked_and_published_files_known(caffenet, tmp_path, monkeypatch):
    data = caffenet.read_bytes()
    sha1 = hashlib.sha1(data).hexdigest()
    monkeypatch.setitem(PUBLISHED, sha1, PublishedFile("the net", "caffenet", "here"))
    with pytest.raises(UserError, match="with --sha256 00,"):
        import_weights(caffenet, tmp_path / "net", sha256="00")
    assert not (tmp_path / "net").exists()
    right = hashlib.sha256(data).hexdigest().upper()
    told = import_weights(caffenet, tmp_path / "net", sha256=right)
    assert told.sha1 == sha1 and told.published.name == "the net"


def test_labels_are_one_a_line(caffenet, tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("".join(f"class {n}\r\n" for n in range(CLASSES)))
    import_weights(caffenet, tmp_path / "net", labels=names)
    assert load(tmp_path / "net").labels[3] == "class 3"
    for text, found in (
        ("a\nb\n", "2 lines"),
        ("a\n\n" + "b\n" * 5, "1 of them empty"),
    ):
        names.write_text(text)
        with pytest.raises(UserError, match=found):
            import_weights(caffenet, tmp_path / "other", labels=names)
    with pytest.raises(UserError, match="found no file"):
        import_weights(caffenet, tmp_path / "other", labels=tmp_path / "none")
    assert not (tmp_path / "other").exists()


def test_a_folder_with_something_in_it_is_left_alone(caffenet, tmp_path):
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "mine").write_text("x")
    with pytest.raises(UserError, match="new or empty folder"):
        import_weights(caffenet, tmp_path / "net")
    with pytest.raises(UserError, match="new or empty folder"):
        import_weights(caffenet, caffenet)


def test_statistics_know_the_mean_and_nothing_else(tmp_path):
    image = np.arange(48, dtype="float32").reshape(4, 4, 3)
    statistics = mean_statistics(image, 4)
    np.testing.assert_array_equal(statistics.mean_image, image)
    assert statistics.channel_means.tolist() == [22.5, 23.5, 24.5]
    statistics.save(tmp_path / "statistics.npz")
    assert Statistics.load(tmp_path).count == 0


def test_a_dataset_that_is_warped_too_is_evaluated(caffenet, mean_file, tmp_path):
    names = tmp_path / "names.txt"
    classes = [f"class {n}" for n in range(CLASSES)]
    names.write_text("\n".join(classes))
    import_weights(caffenet, tmp_path / "net", mean=mean_file, labels=names)
    options = {"size": 256, "filter": "bilinear", "resize": "warp"}
    data = small.build_dataset(tmp_path / "built", 4, classes, **options)
    for views in (1, 10):
        found = evaluate([load(tmp_path / "net")], data, views=views)
        assert found.images == CLASSES


def in_other_order(tensors):
    """The same weights as a file that takes red first and fc6 place by place."""
    first, dense = tensors["conv1.kernel"], tensors["fc6.kernel"]
    maps = len(tensors["conv5.bias"])
    side = round((dense.shape[1] / maps) ** 0.5)
    order = [
        (c * side + y) * side + x
        for y in range(side)
        for x in range(side)
        for c in range(maps)
    ]
    other = {"conv1.kernel": first[:, ::-1], "fc6.kernel": dense[:, order]}
    return tensors | other


def test_an_order_that_the_user_knows_is_taken(caffenet, mean_file, tmp_path):
    import_weights(caffenet, tmp_path / "net", mean=mean_file)
    other, names = tmp_path / "other", caffe_files.layers_of("caffenet")
    other.write_bytes(caffe_files.caffemodel(in_other_order(TENSORS), names))
    (tmp_path / "rgb").write_bytes(
        caffe_files.blob(small_mean(mean_file).transpose(2, 0, 1))
    )
    known = {"channels": "rgb", "fc6_order": "hwc"}
    import_weights(other, tmp_path / "known", mean=tmp_path / "rgb", **known)
    import_weights(other, tmp_path / "unknown", mean=mean_file)
    expected, found, wrong = (
        load(tmp_path / name) for name in ("net", "known", "unknown")
    )
    for layer in ("conv1", "fc6"):
        kernel = expected.model.get_layer(layer).kernel
        np.testing.assert_array_equal(found.model.get_layer(layer).kernel, kernel)
        assert not np.array_equal(wrong.model.get_layer(layer).kernel, kernel)
    for name in ("mean_image", "channel_means"):
        ours, theirs = (getattr(n.statistics, name) for n in (found, expected))
        np.testing.assert_array_equal(ours, theirs)


def to_caffe(model):
    """A network's weights as Caffe lays them out, by none of the code that reads."""
    found = {}
    maps = model.get_layer("conv5").bias.shape[0]
    for name in ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"):
        layer = model.get_layer(name)
        kernel = layer.kernel.numpy()
        if name == "conv1":
            kernel = kernel[:, :, [2, 1, 0]]
        if name == "fc6":
            side = round((len(kernel) / maps) ** 0.5)
            kernel = kernel.reshape(side, side, maps, -1)
            kernel = np.moveaxis(kernel, 2, 0).reshape(maps * side**2, -1)
        order = "hwio->oihw" if kernel.ndim == 4 else "io->oi"
        found[f"{name}.kernel"] = np.einsum(order, kernel)
        found[f"{name}.bias"] = layer.bias.numpy()
    return found


def test_from_caffe_and_back_no_bit_is_another(caffenet, tmp_path):
    import_weights(caffenet, tmp_path / "net")
    tensors = to_caffe(load(tmp_path / "net").model)
    names = caffe_files.layers_of("caffenet")
    assert caffe_files.caffemodel(tensors, names, "V1") == caffenet.read_bytes()
