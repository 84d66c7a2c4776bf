import numpy as np
import pytest

from keras_alexnet.trained.config_file import read_config
from keras_alexnet.training.update.class_weights import balanced_weights, say_weights
from tests import small
from tests.keras_alexnet.training.conftest import (
    Kill,
    assert_same_end,
    die,
    interrupt,
    state_of,
)
from tests.reference import UNIT
from tfrecords import Manifest


def test_each_class_has_the_same_part_in_the_pictures():
    counts = np.array([1, 7, 130, 2000])
    weights = balanced_weights(counts)
    assert weights.dtype == np.float32
    # scikit-learn: n_samples / (n_classes * np.bincount(y))
    expected = [2138 / 4, 2138 / 28, 2138 / 520, 2138 / 8000]
    np.testing.assert_allclose(weights, expected, rtol=UNIT["float32"])
    parts = weights.astype("float64") * counts
    np.testing.assert_allclose(parts, 2138 / 4, rtol=UNIT["float32"])


def test_classes_of_equal_size_weigh_exactly_one():
    for count in (1, 3, 1300):
        np.testing.assert_array_equal(balanced_weights([count] * 7), np.ones(7))


def test_a_class_without_pictures_is_none():
    found = balanced_weights([6, 0, 2])
    np.testing.assert_array_equal(found[[0, 2]], balanced_weights([6, 2]))
    assert found[1] == 1


def test_the_extremes_of_classes_that_have_pictures_are_said(capsys):
    say_weights([6, 2, 0], ["dog", "newt", "yeti"])
    assert "from 0.667 (dog) to 2 (newt)." in capsys.readouterr().out


@pytest.fixture(scope="module")
def uneven(tmp_path_factory):
    """12, 9 and 3 pictures to train on, of the size of the input."""
    root = tmp_path_factory.mktemp("uneven")
    gone = [f"green/{n:03d}.jpg" for n in range(12, 16)]
    gone += [f"red/{n:03d}.jpg" for n in range(4, 16)]
    (root / "gone.txt").write_text("\n".join(gone) + "\n")
    data = small.build_dataset(root, exclude=root / "gone.txt", size=small.INPUT)
    assert Manifest.load(data).class_counts["train"] == (12, 9, 3)
    return data


@pytest.fixture(scope="module")
def balanced(uneven, tmp_path_factory):
    """A run of two epochs with weights, and how it ended."""
    run = tmp_path_factory.mktemp("balanced") / "run"
    return run, small.train(uneven, run, class_weights="balanced")


def test_a_run_takes_them_from_its_dataset_and_keeps_that_it_did(balanced):
    run, progress = balanced
    expected = np.array([24 / 36, 24 / 27, 24 / 9], "float32")
    np.testing.assert_array_equal(progress.model.class_weights, expected)
    assert read_config(run).preset.recipe.class_weights == "balanced"


def test_a_run_that_goes_on_equals_one_in_one_piece(
    balanced, uneven, tmp_path, capsys, monkeypatch
):
    """From the middle of an epoch, and with pictures from the cache."""
    part = tmp_path / "part"
    with monkeypatch.context() as patch, pytest.raises(Kill):
        interrupt(patch, "on_train_batch_end", 0, 2, die)
        small.train(uneven, part, class_weights="balanced", save_every=2)
    assert capsys.readouterr().out.count("from 0.667 (blue) to 2.67 (red)") == 1
    small.resume(part, cache=True)
    assert capsys.readouterr().out.count("epoch 1/2") == 1
    assert_same_end(part, balanced[0])


def test_classes_of_equal_size_are_trained_to_the_same_bits(run, dataset, tmp_path):
    small.train(dataset, tmp_path / "run", class_weights="balanced")
    assert_same_end(tmp_path / "run", run)


def test_unequal_ones_are_not(balanced, uneven, tmp_path):
    small.train(uneven, tmp_path / "run", epochs=1)
    found = np.load(tmp_path / "run" / "checkpoints" / "epoch-0001.npz")
    expected = np.load(balanced[0] / "checkpoints" / "epoch-0001.npz")
    fc8 = [arrays["model/fc8/kernel"] for arrays in (found, expected)]
    assert np.abs(fc8[0] - fc8[1]).max() > 1e-3 * np.abs(fc8[1]).max()


def test_features_that_are_computed_once_are_weighted_alike(run, uneven, tmp_path):
    """As in training on the centre of the pictures, with the frozen layers."""
    fields = {"init": str(run), "freeze_through": "conv5", "class_weights": "balanced"}
    fields["epochs"] = 1
    still = {"flip": False, "colour_noise": None}
    small.train(uneven, tmp_path / "plain", **still, **fields)
    small.train(uneven, tmp_path / "cached", cache_features=True, **fields)
    (ours, state), (theirs, other) = (
        state_of(tmp_path / name) for name in ("cached", "plain")
    )
    assert state == other
    for name, array in ours.arrays.items():
        np.testing.assert_array_equal(array, theirs.arrays[name], err_msg=name)
