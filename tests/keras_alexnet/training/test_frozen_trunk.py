import numpy as np
import pytest

from keras_alexnet import load
from keras_alexnet.data import eval_dataset, feature_cache
from keras_alexnet.data.mean import mean_patch
from keras_alexnet.models import alexnet
from keras_alexnet.trained.config_file import read_config
from keras_alexnet.trained.folder import load_model
from keras_alexnet.training.compile import compile_network
from keras_alexnet.training.devices.plan import DevicePlan
from keras_alexnet.training.frozen_trunk import cache_features, trunk_of
from keras_alexnet.training.initial_weights import InitialWeights
from keras_alexnet.training.run_dataset import RunDataset
from tests import small
from tests.keras_alexnet.training.conftest import (
    Kill,
    assert_same_end,
    die,
    interrupt,
    state_of,
)
from tests.reference import training_bound
from tfrecords.errors import UserError

BFLOAT16 = pytest.param("conv5", "mixed_bfloat16", marks=pytest.mark.bfloat16)
NAMES = ("amber", "green", "lilac", "red")


@pytest.fixture(scope="module")
def squares(tmp_path_factory):
    """Pictures of the size of the input, of which a crop is the centre view."""
    root = tmp_path_factory.mktemp("squares")
    return small.build_dataset(root, 17, NAMES, size=small.INPUT)


def frozen(run, last="conv5", **fields):
    return {"init": str(run), "freeze_through": last, **fields}


@pytest.fixture(scope="module")
def cached(run, squares, tmp_path_factory):
    """A run of two epochs on features, and how it ended."""
    folder = tmp_path_factory.mktemp("cached") / "run"
    return folder, small.train(squares, folder, **frozen(run, cache_features=True))


@pytest.mark.parametrize(
    ("last", "before", "after"),
    [
        ("conv1", False, "conv2"),
        ("conv5", False, "fc6"),
        ("conv5", True, "drop6"),
        ("fc6", False, "drop6"),
        ("fc6", True, "drop6"),  # what fc6 sees is drawn
        ("fc7", False, "drop6"),
    ],
)
def test_the_trunk_ends_before_what_learns_or_draws(last, before, after):
    preset = small.preset(dropout_before=before, **frozen("a", last))
    network = alexnet(preset, 3, seed=0)
    trunk = trunk_of(network, preset)
    names = [layer.name for layer in network.layers]
    assert [layer.name for layer in trunk.layers] == names[: names.index(after)]
    assert not trunk.trainable_variables and trunk.weights


@pytest.mark.parametrize(
    ("last", "precision"),
    [("conv5", "float32"), BFLOAT16],
)
def test_it_ends_as_training_on_the_centre_of_the_pictures_does(
    run, squares, tmp_path, last, precision
):
    plain, cached = tmp_path / "plain", tmp_path / "cached"
    fields = frozen(run, last, precision=precision)
    small.train(squares, plain, flip=False, colour_noise=None, **fields)
    small.train(squares, cached, cache_features=True, **fields)
    (ours, state), (theirs, other) = state_of(cached), state_of(plain)
    assert state == other  # of validation too
    left_out = {*theirs.arrays} - {*ours.arrays}
    assert {*ours.arrays} < {*theirs.arrays}
    assert all(n.startswith("optimizer/") and "conv" in n for n in left_out)
    for name, array in ours.arrays.items():
        np.testing.assert_array_equal(array, theirs.arrays[name], err_msg=name)
    networks = [load_model(folder).get_weights() for folder in (cached, plain)]
    assert len(networks[0]) == 16
    for mine, its in zip(*networks, strict=True):
        np.testing.assert_array_equal(mine, its)


def test_frozen_products_of_matrices_differ_by_their_rounding_at_most(
    run, squares, tmp_path
):
    plain, cached = tmp_path / "plain", tmp_path / "cached"
    fields = frozen(run, "fc7", precision="float32")
    small.train(squares, plain, flip=False, colour_noise=None, **fields)
    progress = small.train(squares, cached, cache_features=True, **fields)
    ours, theirs = (state_of(folder)[0].arrays for folder in (cached, plain))
    bound = training_bound("float32", small.TERMS[5:], 2 * progress.steps)
    for name in ("model/fc8/kernel", "model/fc8/bias"):
        largest = abs(theirs[name]).max()
        np.testing.assert_allclose(ours[name], theirs[name], 0, bound * largest)
    for name, array in ours.items():
        if "fc8" not in name:
            np.testing.assert_array_equal(array, theirs[name], err_msg=name)


@pytest.fixture
def caching(run, dataset, tmp_path):
    """A model with the weights of a run, and what caches its features."""
    preset = small.preset(**frozen(run, cache_features=True))
    data, initial = RunDataset.read(dataset), InitialWeights.read(run)
    mean = mean_patch(initial.statistics, small.INPUT)
    model = compile_network(preset, 3, mean=mean)
    initial.give(model, small.CLASSES, preset)
    return model, lambda: cache_features(model, preset, data, tmp_path)


def test_features_are_those_of_the_centre_view(run, dataset, caching):
    network = load(run)
    caches = caching[1]()
    assert {*caches} == {"train", "validation"}
    for split, cache in caches.items():
        batches = eval_dataset(dataset, split=split, input_size=small.INPUT)
        images = np.concatenate([images for images, _ in batches])
        expected = network.at("pool5").predict(images, verbose=0)
        np.testing.assert_array_equal(cache.rows, expected.reshape(len(images), -1))
        labels = np.concatenate([labels for _, labels in batches])
        np.testing.assert_array_equal(cache.labels, labels)


@pytest.mark.parametrize("changed", [None, "weights", "mean"])
def test_features_of_another_trunk_are_not_taken(caching, tmp_path, changed):
    model, cache = caching
    before = cache()["train"].rows.copy()
    file = tmp_path / "features" / "train"
    inode = file.stat().st_ino
    if changed == "weights":
        bias = model.trunk.get_layer("conv5").bias
        bias.assign(bias + 1)
    elif changed == "mean":
        model.mean = model.mean + np.float32(9)
    after = cache()["train"].rows
    assert (file.stat().st_ino == inode) is (changed is None)
    assert np.array_equal(before, after) is (changed is None)


def test_it_says_that_nothing_is_random_and_keeps_that(cached, run, capsys):
    recipe = read_config(cached[0]).preset.recipe
    assert recipe.cache_features and not recipe.flip
    assert recipe.colour_noise is None and recipe.crop_chunk == 1
    small.resume(cached[0], epochs=2)
    assert "Nothing to do" in capsys.readouterr().out


def test_a_killed_run_goes_on_with_its_features(
    run, squares, cached, tmp_path, monkeypatch, capsys
):
    part = tmp_path / "part"
    with monkeypatch.context() as patch:
        interrupt(patch, "on_train_batch_end", 1, 3, die)
        with pytest.raises(Kill):
            fields = frozen(run, cache_features=True, save_every=2)
            small.train(squares, part, **fields)
    said = capsys.readouterr().out
    assert "What pool5 gives is computed once, of the centre of each picture" in said
    files = {path: path.stat().st_ino for path in (part / "features").iterdir()}
    assert len(files) == 4
    (tmp_path / "nowhere").mkdir()
    small.resume(part, init=str(tmp_path / "nowhere"))  # the checkpoint has them
    assert {path: path.stat().st_ino for path in files} == files
    assert_same_end(part, cached[0])


def test_a_run_killed_before_its_features_are_whole_makes_them_again(
    run, squares, cached, tmp_path, monkeypatch
):
    part = tmp_path / "part"
    with monkeypatch.context() as patch:
        patch.setattr(feature_cache, "write_atomically", lambda *_: die())
        with pytest.raises(Kill):
            small.train(squares, part, **frozen(run, cache_features=True))
    assert [path.name for path in (part / "features").iterdir()] == ["train"]
    (part / "features" / "train").write_bytes(b"of another time")
    small.resume(part)
    assert_same_end(part, cached[0])


@pytest.mark.parametrize(
    ("fields", "plan", "said"),
    [
        ({}, DevicePlan(towers=("CPU:0", "CPU:1")), "Expected one device with"),
        ({"cache": True}, None, "Expected --cache or --cache-features, got both"),
    ],
)
def test_what_has_no_effect_is_refused(run, squares, tmp_path, fields, plan, said):
    folder = tmp_path / "run"
    with pytest.raises(UserError, match=said):
        fields = frozen(run, cache_features=True, **fields)
        small.train(squares, folder, plan=plan, **fields)
    assert not folder.exists()
