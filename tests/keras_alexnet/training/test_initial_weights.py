import numpy as np
import pytest

from keras_alexnet.data.mean import mean_patch
from keras_alexnet.trained.folder import open_network
from keras_alexnet.training.compile import compile_network
from keras_alexnet.training.initial_weights import InitialWeights
from keras_alexnet.training.state import model_state
from keras_alexnet.training.state.checkpoint import newest_checkpoint
from tests import small
from tests.keras_alexnet.training.conftest import assert_same_end
from tests.tools import logical_devices
from tfrecords import Manifest, Statistics
from tfrecords.errors import UserError

NAMES = ("amber", "green", "lilac", "red")  # two of them are in the first dataset


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    """A dataset of other classes, with another mean."""
    return small.build_dataset(tmp_path_factory.mktemp("others"), 16, NAMES)


@pytest.fixture(scope="module")
def initial(run):
    return InitialWeights.read(run)


def own(keep=False):
    return small.preset(init="run", keep_rows=keep)


def weights(model):
    state = model_state.capture(model)
    return {
        name: array
        for name, array in state.items()
        if name.startswith("model/") and "counter" not in name
    }


def test_the_same_classes_take_all_weights(run, initial):
    model = compile_network(small.preset(seed=9), 3)
    before = weights(model)
    assert initial.give(model, small.CLASSES, own()) == [*small.CLASSES]
    saved = open_network(run).model
    for layer in saved.layers:
        for weight in layer.weights:
            name = f"model/{layer.name}/{weight.name}"
            np.testing.assert_array_equal(weights(model)[name], weight.value)
            if weight.name == "kernel":
                assert not np.array_equal(before[name], weight.value)
    assert {*weights(model)} == {*before}


@pytest.mark.parametrize("keep", [False, True])
def test_other_classes_have_a_head_of_their_own(initial, keep):
    model = compile_network(small.preset(seed=9), 4)
    fresh = weights(model)
    kept = initial.give(model, NAMES, own(keep))
    assert kept == (["green", "red"] if keep else [])
    found = weights(model)
    for name, array in initial.arrays.items():
        if not name.startswith("model/fc8"):
            np.testing.assert_array_equal(found[name], array)
            continue
        for place, label in enumerate(NAMES):
            expected = fresh[name][..., place]
            if label in kept:
                expected = array[..., small.CLASSES.index(label)]
            np.testing.assert_array_equal(found[name][..., place], expected)


def test_the_same_classes_in_another_order_are_others(initial):
    model = compile_network(small.preset(), 3)
    assert initial.give(model, small.CLASSES[::-1], own(True)) == [*small.CLASSES[::-1]]
    head, order = weights(model)["model/fc8/kernel"], slice(None, None, -1)
    np.testing.assert_array_equal(head, initial.arrays["model/fc8/kernel"][:, order])


@pytest.mark.parametrize(
    ("fields", "table"),
    [
        ({"units": 8}, ["fc6/kernel", "(8, 16)", "fc7/bias"]),
        ({"filters": (8, 16, 16, 16, 12)}, ["conv5/bias", "(12,)", "(8,)"]),
    ],
)
def test_another_network_is_refused_with_a_table(initial, capsys, fields, table):
    model = compile_network(small.preset(**fields), 4)
    before = weights(model)
    with pytest.raises(UserError, match="Expected the network of .* weights differ"):
        initial.give(model, NAMES, own())
    shown = capsys.readouterr().out
    assert all(word in shown for word in table) and "conv1" not in shown
    for name, array in weights(model).items():
        np.testing.assert_array_equal(array, before[name])


def test_what_has_no_weights_is_refused(exported, tmp_path):
    for folder in (exported, tmp_path / "nothing"):
        with pytest.raises(UserError, match="An export has no weights to train"):
            InitialWeights.read(folder)


FINE = {"freeze_through": "conv5", "rates": ("fc8=10",), "keep_rows": True}


@pytest.fixture(scope="module")
def tuned(run, others, tmp_path_factory):
    """A run of two epochs that began with the weights of another."""
    folder = tmp_path_factory.mktemp("tuned") / "run"
    progress = small.train(others, folder, init=str(run), **FINE)
    return folder, progress.model


def test_frozen_layers_stay_to_the_last_bit(initial, tuned):
    found = weights(tuned[1])
    for name, array in initial.arrays.items():
        layer = name.split("/")[1]
        if layer != "fc8":
            same = np.array_equal(found[name], array)
            assert same is layer.startswith("conv"), name
    state = model_state.capture(tuned[1])
    for name, array in state.items():
        if name.startswith("optimizer/velocity/conv"):
            assert not array.any()
    factors = {
        name.split("/")[2]: float(array)
        for name, array in state.items()
        if name.startswith("optimizer/rate_factor") and "kernel" in name
    }
    assert factors == {
        **{f"conv{n}": 0.0 for n in range(1, 6)},
        **{"fc6": 1.0, "fc7": 1.0, "fc8": 10.0},
    }
    assert float(state["optimizer/rate_factor/fc8/bias_factor"]) == 20.0


def test_the_mean_is_that_of_the_weights(run, others, tuned):
    folder, model = tuned
    ours, theirs = (Statistics.load(f / "statistics.npz") for f in (folder, others))
    first = Statistics.load(run / "statistics.npz")
    np.testing.assert_array_equal(ours.mean_image, first.mean_image)
    assert not np.array_equal(first.mean_image, theirs.mean_image)
    patch = mean_patch(first, small.INPUT, "image")
    np.testing.assert_array_equal(model.mean, patch)
    assert open_network(folder).labels == list(Manifest.load(others).labels)


def test_it_resumes_with_the_same_bits(run, others, tuned, tmp_path):
    part = tmp_path / "part"
    fields = {**FINE, "init": str(run)}
    small.train(others, part, epochs=1, **fields)
    small.train(others, part, epochs=2, resume=True, **fields)
    assert_same_end(tuned[0], part)


def test_a_run_without_a_checkpoint_begins_with_the_weights_again(
    run, others, tuned, tmp_path
):
    part = tmp_path / "part"
    small.train(others, part, epochs=1, init=str(run), **FINE)
    for file in (part / "checkpoints").iterdir():
        file.unlink()
    small.train(others, part, resume=True, init=str(run), **FINE)
    assert_same_end(tuned[0], part)


def test_the_dataset_of_the_run_is_known_again(run, dataset, tuned, tmp_path, others):
    changed = small.build_dataset(tmp_path, 17, NAMES)
    with pytest.raises(UserError, match="pictures, that of"):
        small.train(changed, tuned[0], resume=True, init=str(run), **FINE)


def test_another_mean_than_that_of_the_weights_is_refused(run, others, tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(UserError, match="Expected --mean image.*got channel"):
        small.train(others, folder, init=str(run), mean="channel")
    assert not folder.exists()


def test_what_became_of_the_head_is_said(initial, capsys):
    initial.say(small.CLASSES, small.CLASSES, "fc8")
    initial.say([], NAMES, "fc8")
    initial.say(["green", "red"], NAMES, "fc8")
    first, second, third = capsys.readouterr().out.splitlines()
    assert first.endswith("fc8 too.")
    assert second.endswith("fc8 starts anew: its classes are others.")
    assert third.endswith("fc8 keeps 2 of 4 classes.")


TOWERS = """
from keras_alexnet.training.compile import compile_network
from keras_alexnet.training.devices.plan import DevicePlan
from keras_alexnet.training.initial_weights import InitialWeights
from keras_alexnet.training.state import model_state
from tests import small

initial = InitialWeights.read({run!r})
plan = DevicePlan(towers=("CPU:0", "CPU:1"))
fields = dict(seed=9, init={run!r}, freeze_through="conv1", rates=("conv2=3",))
model = compile_network(small.preset(**fields), 3, plan)
initial.give(model, small.CLASSES, small.preset(**fields))
state = model_state.capture(model)
same = [np.array_equal(state[n], a) for n, a in initial.arrays.items()]
names = [f"optimizer/rate_factor/conv{{i}}/kernel_factor" for i in (1, 2, 3)]
result = same, [float(state[name]) for name in names]
"""


@pytest.mark.slow
def test_towers_take_them_too(run):
    same, factors = logical_devices.run(TOWERS.format(run=str(run)))
    assert len(same) == 16 and all(same)
    assert factors == [0.0, 3.0, 1.0]


def test_the_checkpoint_keeps_what_is_frozen(tuned):
    arrays = newest_checkpoint(tuned[0] / "checkpoints").arrays
    assert float(arrays["optimizer/rate_factor/conv5/kernel_factor"]) == 0.0
