import json
import zipfile

import h5py
import numpy as np
import pytest

from keras_alexnet import alexnet, load
from keras_alexnet.trained.misfit import WeightsMisfit
from keras_alexnet.training.compile import compile_network
from keras_alexnet.weights.importing import import_weights
from keras_alexnet.weights.keras_file import CONFIG, MOST_CONFIG, WEIGHTS
from keras_alexnet.weights.signature import tell_format
from tests import small
from tfrecords.errors import UserError

PRESET = small.preset("released", dropout_rate=0.25)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A network's file, and the parts of its zip."""
    path = tmp_path_factory.mktemp("saved") / "net.keras"
    alexnet(PRESET, 3, seed=3).save(path)
    with zipfile.ZipFile(path) as file:
        return path, {name: file.read(name) for name in file.namelist()}


@pytest.fixture
def written(saved, tmp_path):
    """Write the file again with some of its parts changed."""
    path = tmp_path / "net.keras"

    def write(parts=(), **options):
        with zipfile.ZipFile(path, "w", **options) as file:
            for name, data in {**saved[1], **dict(parts)}.items():
                file.writestr(name, data)
        return path

    return write


def test_a_file_becomes_the_network_that_it_was(saved, tmp_path, dataset):
    assert tell_format(saved[0]) == "keras"
    statistics = dataset / "statistics.npz"
    told = import_weights(saved[0], tmp_path / "net", mean=statistics)
    assert (told.format, told.preset, told.classes) == ("keras", "released", 3)
    network = load(tmp_path / "net")
    assert network.config.preset.dropout_rate == 0.25
    original = alexnet(PRESET, 3, seed=3)
    for name in ("conv1", "conv4", "fc6", "fc8"):
        ours, theirs = (m.get_layer(name) for m in (network.model, original))
        np.testing.assert_array_equal(ours.kernel, theirs.kernel)
        np.testing.assert_array_equal(ours.bias, theirs.bias)
    images = np.random.default_rng(0).normal(0, 60, (2, 67, 67, 3)).astype("float32")
    np.testing.assert_array_equal(network.model(images), original(images))
    facts = network.config.preprocessing
    assert facts["stored_size"] == 72 and facts["mean"] == "image"
    assert network.statistics.count == load_count(statistics) > 0


def load_count(path):
    with np.load(path) as arrays:
        return int(arrays["count"])


def test_without_statistics_the_mean_colour_is_taken(saved, tmp_path):
    import_weights(saved[0], tmp_path / "net", preset="released")
    network = load(tmp_path / "net")
    assert network.config.preprocessing["mean"] == "channel"
    colour = network.preprocessing.mean[0, 0]
    np.testing.assert_allclose(colour, [123.675, 116.28, 103.53])
    with pytest.raises(UserError, match="released, as the file itself says, got"):
        import_weights(saved[0], tmp_path / "other", preset="paper")


def test_a_compiled_network_brings_its_weights_alone(tmp_path):
    model = compile_network(small.preset("paper", dropout="inverted"), 3)
    model.save(tmp_path / "net.keras")
    import_weights(tmp_path / "net.keras", tmp_path / "net")
    found = load(tmp_path / "net").model.get_layer("fc7").kernel
    np.testing.assert_array_equal(found, model.get_layer("fc7").kernel)


LAMBDA = {
    "class_name": "Lambda",
    "config": {"name": "pool5", "function": "exec"},
    "inbound_nodes": [{"args": [{"config": {"keras_history": ["conv5", 0, 0]}}]}],
}


def test_a_lambda_is_no_layer_of_ours_and_never_made(saved, written, tmp_path):
    document = json.loads(saved[1][CONFIG])
    layers = document["config"]["layers"]
    (place,) = (i for i, x in enumerate(layers) if x["config"]["name"] == "relu1")
    layers[place] |= {"class_name": "Lambda", "module": "keras.layers"}
    path = written({CONFIG: json.dumps(document)})
    with pytest.raises(WeightsMisfit) as error:
        import_weights(path, tmp_path / "net")
    assert ("relu1.class", "Activation", "Lambda") in error.value.rows
    document["config"]["layers"].append(LAMBDA)
    path = written({CONFIG: json.dumps(document)})
    with pytest.raises(UserError, match="that alexnet\\(\\) made"):
        import_weights(path, tmp_path / "net")
    assert not (tmp_path / "net").exists()


def hdf5(path, make):
    with h5py.File(path, "w") as file:
        make(file)
    return path.read_bytes()


def leads_out(file):
    file["layers/dense/vars/0"] = h5py.ExternalLink("/etc/passwd", "/x")


def leads_round(file):
    file["layers"] = h5py.SoftLink("/layers")


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({CONFIG: b"{" * 10_000}, "made, found other layers"),
        ({CONFIG: b"[" * 200_000}, "made, found other layers"),
        ({CONFIG: b"\xff"}, "made, found other layers"),
        ({CONFIG: b'{"config": {"name": 3, "layers": []}}'}, "made, found other"),
        ({CONFIG: bytes(MOST_CONFIG + 1)}, "compressed, or of 4,194,305 bytes"),
        ({WEIGHTS: b"PK\x03\x04"}, "is damaged"),
        ({WEIGHTS: b""}, "is damaged"),
        ({WEIGHTS: leads_out}, "link to elsewhere at 'dense/vars/0'"),
        ({WEIGHTS: leads_round}, "a group 'layers'|damaged"),
        ({"../x": b""}, "found the name '../x'"),
        ({"/etc/x": b""}, "found the name '/etc/x'"),
    ],
)
def test_hostile_files_are_refused_in_one_line(written, tmp_path, parts, reason):
    for name, data in parts.items():
        if callable(data):
            parts = {name: hdf5(tmp_path / "x.h5", data)}
    with pytest.raises(UserError, match=reason) as error:
        import_weights(written(parts), tmp_path / "net")
    assert "\n" not in str(error.value) and not (tmp_path / "net").exists()


def test_a_bomb_is_not_unpacked_and_a_truncated_file_refused(written, tmp_path):
    bomb = {WEIGHTS: bytes(10**7)}
    path = written(bomb, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(UserError, match=r"config\.json compressed"):
        import_weights(path, tmp_path / "net")
    whole = written().read_bytes()
    for part in (0.2, 0.6, 0.99):
        path.write_bytes(whole[: int(part * len(whole))])
        with pytest.raises(UserError, match="a damaged one"):
            import_weights(path, tmp_path / "net")
    place = whole.index(b"\x89HDF") + 3000
    path.write_bytes(whole[:place] + b"\x55" + whole[place + 1 :])
    with pytest.raises(UserError, match="damaged"):  # its CRC does not fit
        import_weights(path, tmp_path / "net")
