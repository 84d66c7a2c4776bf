import json

import h5py
import numpy as np
import pytest

from keras_alexnet import SMALL_PRESETS, cli, load
from keras_alexnet.evaluation.accuracy import evaluate
from keras_alexnet.export.saved_model import export
from keras_alexnet.weights import caffe
from keras_alexnet.weights.caffe_cifar import CIFAR_RULE
from keras_alexnet.weights.importing import import_weights
from tests import small
from tests.keras_alexnet.weights.caffe_files import blob, caffemodel
from tests.reference import network_bound
from tfrecords.errors import UserError

CLASSES = [f"class {n}" for n in range(10)]
FULL = {"conv1": (32, 3, 5, 5), "conv2": (32, 32, 5, 5), "conv3": (64, 32, 5, 5)}
FULL["ip1"] = (10, 1024)
QUICK = {**FULL, "ip1": (64, 1024), "ip2": (10, 64)}
SHAPES = {"cifar-18pct": FULL, "cifar-quick": QUICK}
ORDER = ["conv1", "pool1", "relu1", "norm1", "conv2", "relu2", "pool2", "norm2"]
ORDER += ["conv3", "relu3", "pool3", "ip1"]


def random_tensors(shapes):
    """Weights in Caffe's layouts that keep every layer's signal of one size."""
    generator = np.random.default_rng(3)
    tensors = {}
    for layer, shape in shapes.items():
        scale = (2 / np.prod(shape[1:])) ** 0.5
        scale *= 0.01 if shape[0] == 10 else 1  # so that no class is certain
        kernel = generator.normal(0, scale, shape)
        tensors[f"{layer}.kernel"] = kernel.astype("float32")
        bias = generator.normal(0, 0.1, shape[0])
        tensors[f"{layer}.bias"] = bias.astype("float32")
    return tensors


TENSORS = {name: random_tensors(shapes) for name, shapes in SHAPES.items()}


@pytest.fixture(scope="module", params=SHAPES)
def imported(request, tmp_path_factory):
    """What import says of a file in HDF5, the folder, and the mean, RGB, in HWC."""
    folder = tmp_path_factory.mktemp("cifar")
    with h5py.File(folder / "net.h5", "w") as file:
        for name, array in TENSORS[request.param].items():
            layer, part = name.split(".")
            file[f"data/{layer}/{caffe.PARTS.index(part)}"] = array
    mean = np.random.default_rng(1).uniform(90, 130, (1, 3, 32, 32)).astype("float32")
    (folder / "mean.binaryproto").write_bytes(blob(mean, "four sides"))
    (folder / "labels.txt").write_text("\n".join(CLASSES))
    told = import_weights(
        folder / "net.h5",
        folder / "net",
        mean=folder / "mean.binaryproto",
        labels=folder / "labels.txt",
    )
    return told, folder / "net", mean[0].transpose(1, 2, 0)


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    path = tmp_path_factory.mktemp("picture") / "one.png"
    path.write_bytes(small.encode(small.picture(1, 4, 32, 32), "PNG"))
    return path


def test_names_and_shapes_tell_which_of_the_two_it_is(imported):
    told, folder, _ = imported
    network = load(folder)
    assert (told.preset, told.classes) == (network.config.preset.name, 10)
    assert told.preset in SHAPES
    tensors, model = TENSORS[told.preset], network.model
    assert model.count_params() == sum(map(np.size, tensors.values()))
    # Not turned round: these nets take red first, as ours do.
    for layer in ("conv1", "conv2", "conv3"):
        kernel = model.get_layer(layer).kernel.numpy()
        expected = tensors[f"{layer}.kernel"].transpose(2, 3, 1, 0)
        np.testing.assert_array_equal(kernel, expected)
        np.testing.assert_array_equal(
            model.get_layer(layer).bias.numpy(), tensors[f"{layer}.bias"]
        )


def test_pictures_are_taken_as_they_are_less_the_mean_image(imported, picture):
    _, folder, mean = imported
    network = load(folder)
    images = network.preprocessing.images(np.array([picture.read_bytes()]))
    pixels = small.picture(1, 4, 32, 32).astype("float32")
    np.testing.assert_array_equal(images[0], pixels - mean)
    facts = json.loads((folder / "config.json").read_text())
    assert facts["preset"] == network.config.preset.name
    assert facts["preprocessing"]["stored_size"] == 32


def test_the_first_dense_layer_reads_map_after_map(imported, picture):
    told, folder, _ = imported
    network, tensors = load(folder), TENSORS[told.preset]
    maps = network.features([picture], "pool3")[0].astype("float64")
    x = maps.transpose(2, 0, 1).ravel()  # as Caffe has them
    for layer in ("ip1", "ip2")[: len(tensors) // 2 - 3]:
        x = tensors[f"{layer}.kernel"].astype("float64") @ x + tensors[f"{layer}.bias"]
    powers = np.exp(x - x.max())
    (found,) = network.predict([picture], top=10)
    scores = np.array(found.scores)[np.argsort(found.classes)]
    # A probability moves at most half as far as the logits.
    bound = np.abs(x).max() * network_bound("float32", (1024, 64))
    np.testing.assert_allclose(scores, powers / powers.sum(), rtol=0, atol=bound)
    assert np.ptp(scores) > 100 * bound


def test_every_verb_takes_it(imported, picture, tmp_path, capsys):
    told, folder, _ = imported
    network = load(folder)
    data = small.build_dataset(tmp_path / "built", 4, CLASSES, size=32)
    for views in (1, 10):
        assert evaluate([network], data, views=views).images == 10
    last = "pool3" if told.preset == "cifar-18pct" else "fc64"
    out = tmp_path / "features.npz"
    assert cli.main(["features", str(folder), str(picture), "--out", str(out)]) == 0
    assert f"{last} of 1 pictures" in capsys.readouterr().out
    width = 1024 if last == "pool3" else 64
    assert np.load(out)[last].size == width
    assert cli.main(["describe", str(folder)]) == 0
    assert f"{network.model.count_params():,} parameters" in capsys.readouterr().out
    tuned = ["train", str(data), str(tmp_path / "run"), "--init", str(folder)]
    assert cli.main([*tuned, "--batch-size", "10", "--epochs", "1"]) == 0
    assert load(tmp_path / "run").config.preset.name == told.preset


@pytest.mark.parametrize("imported", ["cifar-quick"], indirect=True)
def test_an_export_says_the_same(imported, picture, tmp_path):
    told, folder, _ = imported
    network = load(folder)
    served = load(export(network, tmp_path / "served"))
    assert served.config == network.config
    (ours,), (theirs,) = network.predict([picture]), served.predict([picture])
    images = network.preprocessing.images(np.array([picture.read_bytes()]))
    terms = (75, 800, 9, 800, 9, 1024, 64)
    bound = np.abs(network.model(images)).max() * network_bound("float32", terms)
    np.testing.assert_allclose(ours.scores, theirs.scores, rtol=0, atol=bound)
    assert ours.classes == theirs.classes
    features = served._loaded.signatures["features"].structured_outputs
    assert {*features} == {"pool3", *SMALL_PRESETS[told.preset].hidden}


def test_the_order_of_a_caffemodel_tells_whether_it_normalises(tmp_path):
    tensors, path = TENSORS["cifar-18pct"], tmp_path / "net.caffemodel"
    plain = [name for name in ORDER if not name.startswith("norm")]
    for order, preset in ((ORDER, "cifar-18pct"), (plain, "cifar-19pct")):
        path.write_bytes(caffemodel(tensors, order))
        assert import_weights(path, tmp_path / preset).preset == preset
    told = import_weights(path, tmp_path / "asked", preset="cifar-18pct")
    assert told.preset == "cifar-18pct"


def test_without_a_mean_image_it_is_the_mean_colour(tmp_path):
    path = tmp_path / "net.caffemodel"
    path.write_bytes(caffemodel(TENSORS["cifar-18pct"], ORDER))
    told = import_weights(path, tmp_path / "net")
    assert told.rule is CIFAR_RULE
    found = load(tmp_path / "net").preprocessing.mean
    assert found[7, 9].tolist() == np.float32([125.307, 122.95, 113.865]).tolist()
    wrong = tmp_path / "mean.binaryproto"
    wrong.write_bytes(blob(np.zeros((3, 256, 256), "float32")))
    with pytest.raises(UserError, match=r"mean of 32 x 32.*\(3, 256, 256\)"):
        import_weights(path, tmp_path / "other", mean=wrong)


def test_a_net_of_other_shapes_is_refused_tensor_by_tensor(tmp_path):
    tensors = {**TENSORS["cifar-quick"], "ip1.kernel": np.zeros((64, 512), "float32")}
    path = tmp_path / "net.caffemodel"
    path.write_bytes(caffemodel(tensors, [*SHAPES["cifar-quick"]]))
    with pytest.raises(UserError, match=r"fc64.kernel: expected \(1024, 64\).*\(512,"):
        import_weights(path, tmp_path / "net")
