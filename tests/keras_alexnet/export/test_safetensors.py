import hashlib
import json
import shutil

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

from keras_alexnet import SMALL_PRESETS, alexnet, cifar_net, load
from keras_alexnet.export import EXPORTERS, safetensors
from keras_alexnet.export.safetensors import export
from keras_alexnet.presets import PRESETS
from keras_alexnet.trained.config_file import NetworkConfig, preprocessing_of
from keras_alexnet.trained.network import TrainedNetwork
from keras_alexnet.weights.importing import import_weights, mean_statistics
from tests import small
from tfrecords.errors import UserError

FACTS = ("config.json", "labels.txt", "statistics.npz")
LABELS = ['a "quoted" name', "tench, Tinca", "Grün \U0001f41f"]


def network_of(name, mean="image"):
    """A network of random weights whose mean no two pixels share."""
    if name in SMALL_PRESETS:
        preset, build = SMALL_PRESETS[name].replace(mean=mean), cifar_net
    else:
        preset, build = small.preset(name, mean=mean), alexnet
    model = build(preset, num_classes=3, seed=4, dtype="float32")
    generator = np.random.default_rng(5)
    image = generator.uniform(90, 130, (small.STORED,) * 2 + (3,)).astype("float32")
    facts = preprocessing_of(preset, small.STORED, "lanczos", True)
    if name == "caffenet":
        facts |= {"resize": "warp", "mean_at": "view"}
    statistics = mean_statistics(image, small.STORED)
    return TrainedNetwork(model, LABELS, NetworkConfig(preset, facts), statistics)


def assert_same(first, second):
    for ours, theirs in zip(first.weights, second.weights, strict=True):
        if "seed_generator" not in theirs.path:
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", [*PRESETS, "cifar-quick", "cifar-11pct"])
def test_there_and_back_nothing_is_another(name, tmp_path):
    network = network_of(name, "channel" if name == "one_weird_trick" else "image")
    network.save(tmp_path / "first")
    folder = export(network, tmp_path / "out")
    alone = shutil.copy(folder / "network.safetensors", tmp_path / "alone.bin")
    told = import_weights(alone, tmp_path / "again")
    assert (told.format, told.preset) == ("safetensors", name)
    again = load(tmp_path / "again")
    assert_same(again.model, network.model)
    for fact in FACTS:
        expected = (tmp_path / "first" / fact).read_bytes()
        assert (folder / fact).read_bytes() == expected
        assert (tmp_path / "again" / fact).read_bytes() == expected
    assert again.labels == LABELS


def test_pictures_are_named_as_before(tmp_path):
    network = network_of("caffenet")
    path = export(network, tmp_path / "out") / "network.safetensors"
    import_weights(path, tmp_path / "again")
    picture = small.encode(small.picture(1, 2, 90, 140), "PNG")
    with pytest.raises(
        UserError, match="say what mean they need, got mean.binaryproto"
    ):
        import_weights(path, tmp_path / "other", mean="mean.binaryproto")
    again = load(tmp_path / "again")
    ours, theirs = (n.predict([picture], views=10) for n in (again, network))
    assert ours == theirs


def test_the_folder_is_opened_as_the_network_that_it_is(run, tmp_path):
    folder = EXPORTERS["safetensors"](load(run), tmp_path / "out")
    assert {p.name for p in folder.iterdir()} == {
        *FACTS,
        "network.safetensors",
        "README.md",
    }
    network = load(folder)
    assert_same(network.model, load(run).model)
    assert network.labels == [*small.CLASSES] and network.config.control is None


def test_the_cards_own_program_lists_the_arrays(run, tmp_path, named_by_its_card):
    folder = EXPORTERS["safetensors"](load(run), tmp_path / "out")
    shapes = dict(named_by_its_card(folder))
    kernel = load(run).model.get_layer("conv1").kernel
    assert shapes["conv1.kernel"] == f"float32 {tuple(kernel.shape)}"


def test_the_file_says_what_it_is_to_other_programs(run, tmp_path):
    path = export(load(run), tmp_path / "out") / "network.safetensors"
    tensors = load_file(path)
    model = load(run).model
    np.testing.assert_array_equal(
        tensors["conv2.kernel"], model.get_layer("conv2").kernel
    )
    assert tensors["conv1.bias"].dtype == np.float32
    with safe_open(path, framework="numpy") as file:
        (text,) = file.metadata().values()
    card = json.loads(text)
    assert card["preset"] == "released" and card["network"]["units"] == 16
    assert card["labels"] == [*small.CLASSES] and "control" not in card
    assert card["preprocessing"]["stored_size"] == small.STORED
    mean = load(run).statistics.mean_image
    np.testing.assert_array_equal(tensors[card["mean"]], mean)
    sha256 = hashlib.sha256((run / "network.keras").read_bytes()).hexdigest()
    assert card["source"] == {"name": run.name, "sha256": sha256}


def test_equal_networks_are_equal_bytes_and_transposed_views_are_whole(tmp_path):
    paths = [export(network_of("paper"), tmp_path / n) for n in ("a", "b")]
    first, second = ((p / "network.safetensors").read_bytes() for p in paths)
    assert first == second


def test_what_was_written_otherwise_is_found_and_nothing_left(tmp_path, monkeypatch):
    def transposed(model):
        kernel = model.get_layer("fc7").kernel.numpy()
        return {"fc7.kernel": np.ascontiguousarray(kernel).T}

    monkeypatch.setattr(safetensors, "model_tensors", transposed)
    with pytest.raises(UserError, match="to hold what was written"):
        export(network_of("paper"), tmp_path / "out")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("options", [{"views": 10}, {"top": 3}])
def test_views_and_classes_have_no_meaning_here(options, tmp_path):
    with pytest.raises(UserError, match="--views and --top for a SavedModel alone"):
        export(network_of("paper"), tmp_path / "out", **options)
    assert not list(tmp_path.iterdir())


def test_a_folder_with_something_in_it_and_an_export_are_refused(exported, tmp_path):
    (tmp_path / "mine").write_text("x")
    with pytest.raises(UserError, match="new or empty folder"):
        export(network_of("paper"), tmp_path)
    with pytest.raises(UserError, match="has none"):
        export(load(exported), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
