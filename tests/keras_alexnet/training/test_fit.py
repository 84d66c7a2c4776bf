import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet import cli, device_memory
from keras_alexnet.data import picture_cache
from keras_alexnet.machine import memory_bytes
from keras_alexnet.trained.class_names import load_labels
from keras_alexnet.trained.config_file import read_config
from keras_alexnet.trained.folder import load_model
from keras_alexnet.training import training_run
from keras_alexnet.training.state.checkpoint import (
    list_checkpoints,
    newest_checkpoint,
)
from tests import small
from tests.keras_alexnet.training.conftest import assert_same_end, interrupt
from tests.reference import rounding_bound
from tfrecords import DatasetError, Manifest, Statistics
from tfrecords.errors import UserError

BFLOAT16 = pytest.param("mixed_bfloat16", marks=pytest.mark.bfloat16)
NEAR = rounding_bound("float32")  # of a learning rate, which is float32


def history(run):
    with (run / "history.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_what_the_architecture_promises(run):
    names = {path.name for path in run.iterdir()}
    assert names >= {
        "config.json",
        "history.csv",
        "checkpoints",
        "network.keras",
        "tensorboard",
        "labels.txt",
        "statistics.npz",
    }
    assert [path.name for path in list_checkpoints(run / "checkpoints")] == [
        "epoch-0001.npz",
        "epoch-0002.npz",
    ]
    rows = history(run)
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert set(rows[0]) >= {"loss", "error", "top5_error", "val_error", "learning_rate"}
    assert list((run / "tensorboard").iterdir())
    assert load_labels(run) == list(small.CLASSES)


def test_the_configuration_says_what_was_trained_on_what(run, dataset):
    config = read_config(run)
    assert config.preset == small.preset()
    assert config.preprocessing["stored_size"] == small.STORED
    assert config.control["data"] == str(dataset)
    document = json.loads((run / "config.json").read_text())
    assert set(document) == {
        *("format", "preset", "network", "recipe", "preprocessing", "control"),
    }


@pytest.mark.bfloat16
def test_best_network_is_float32_and_has_the_best_epochs_error(tmp_path, dataset):
    fields = {"precision": "mixed_bfloat16", "epochs": 1}
    state = small.train(dataset, tmp_path / "run", **fields)
    model = load_model(tmp_path / "run")
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    assert len(state.history) == 1


def test_a_run_that_goes_on_equals_one_in_one_piece(
    run, tmp_path, dataset, capsys, monkeypatch
):
    part, caches, make = tmp_path / "part", [], training_run.training_stream
    small.train(dataset, part, epochs=1)

    def noted(*arguments, cache, **options):
        caches.append(cache)
        return make(*arguments, cache=cache, **options)

    monkeypatch.setattr(training_run, "training_stream", noted)
    monkeypatch.setattr(picture_cache, "free_memory", lambda: None)  # whatever is
    small.resume(part, epochs=2, cache=True)  # which changes no bit
    assert len(caches) == 1 and caches[0] is not None
    assert capsys.readouterr().err.count("cache: 36 of 36 pictures") == 1
    ours, others = (newest_checkpoint(r / "checkpoints").arrays for r in (part, run))
    assert set(ours) == set(others)
    for name, expected in others.items():
        np.testing.assert_array_equal(ours[name], expected, err_msg=name)
    timeless = [
        [{k: v for k, v in row.items() if k != "seconds"} for row in history(r)]
        for r in (run, part)
    ]
    assert timeless[0] == timeless[1]


def test_a_batch_that_memory_does_not_hold_is_explained_and_the_run_stays_whole(
    run, dataset, tmp_path, monkeypatch, capsys
):
    """TensorFlow's own words, raised where a step would, in either epoch."""
    limits = {"GPU:0": 2 * 10**9, "CPU:0": memory_bytes()}
    monkeypatch.setattr(device_memory, "_limits", lambda: limits)
    folder = tmp_path / "run"
    small.make_run(dataset, folder)
    arguments = ["train", str(dataset), str(folder), "--resume"]
    for epoch, device in enumerate(limits):

        def exhaust(device=device):
            text = f"OOM when allocating tensor on /device:{device} by allocator x"
            raise tf.errors.ResourceExhaustedError(None, None, text)

        with monkeypatch.context() as patch:
            interrupt(patch, "on_train_batch_end", epoch, 2, exhaust)
            assert cli.main(arguments) == 1
        error = capsys.readouterr().err
        size = f"{limits[device] / 1e9:.1f} GB of {device}"
        assert f"alexnet train: A batch of 8 does not fit in the {size}" in error
        assert "released in float32 takes" in error and "--batch-size 4 " in error
        assert error.count("\n") == 1
    assert newest_checkpoint(folder / "checkpoints").epoch == 1
    assert cli.main(arguments) == 0
    assert_same_end(run, folder)


def test_a_batch_that_surely_does_not_fit_leaves_no_run_folder(
    dataset, tmp_path, monkeypatch
):
    monkeypatch.setattr(device_memory, "memory_bytes", lambda: 100_000)
    with pytest.raises(UserError, match="Not one image fits"):
        small.train(dataset, tmp_path / "run")
    assert not any(tmp_path.iterdir())


def test_a_folder_in_use_is_refused(run, dataset):
    with pytest.raises(DatasetError, match="new or empty run folder.*--resume"):
        small.train(dataset, run)


def test_a_run_folder_that_cannot_be_made_is_named(tmp_path, dataset):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DatasetError, match="Cannot write"):
        small.train(dataset, tmp_path / "file" / "run")


def test_missing_statistics_leave_no_run_behind(tmp_path, dataset):
    copy = shutil.copytree(dataset, tmp_path / "copy")
    (copy / "statistics.npz").unlink()
    with pytest.raises(DatasetError, match="statistics.npz"):
        small.train(copy, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("mean", ["image", "channel"])
def test_the_mean_is_that_of_the_dataset(dataset, tmp_path, monkeypatch, mean):
    class Compiled(Exception):
        """Ends the training before it begins."""

    def compile_network(*arguments):
        raise Compiled(arguments)

    monkeypatch.setattr(training_run, "compile_network", compile_network)
    with pytest.raises(Compiled) as caught:
        small.train(dataset, tmp_path / "run", mean=mean)
    preset, classes, _, found = caught.value.args[0]
    assert (preset, classes) == (small.preset(mean=mean), 3)
    statistics = Statistics.load(dataset / "statistics.npz")
    margin = (small.STORED - small.INPUT) // 2
    inside = slice(margin, margin + small.INPUT)
    expected = {
        "image": statistics.mean_image[inside, inside],
        "channel": np.tile(statistics.channel_means, (small.INPUT, small.INPUT, 1)),
    }
    np.testing.assert_allclose(found, expected[mean], rtol=NEAR)


def test_the_dataset_is_looked_through_once(tmp_path, dataset, monkeypatch):
    own, looked = Manifest.load.__func__, []

    def load(cls, directory, check=True):
        looked.append((Path(directory), check))
        return own(cls, directory, check)

    monkeypatch.setattr(Manifest, "load", classmethod(load))
    run = tmp_path / "run"
    small.train(dataset, run, epochs=1)
    assert looked == [(dataset, True)]
    looked.clear()
    small.resume(run, epochs=2)
    assert looked == [(dataset, True)]


def test_a_flat_run_of_an_earlier_release_goes_on_with_the_same_bits(
    run, tmp_path, dataset
):
    old = tmp_path / "old"
    small.train(dataset, old, epochs=1)
    (old / "network.keras").rename(old / "network.keras")
    document = {
        "data": str(dataset),
        "preset": "released",
        "overrides": json.loads(json.dumps(small.NETWORK)),
        "precision": "float32",
        "xla": False,
        "epochs": 2,
        "batch_size": 8,
        "learning_rate": 0.001,
        "momentum": 0.9,
        "decay": 0.0005,
        "schedule": "plateau",
        "patience": 5,
        "reductions": 3,
        "min_delta": 1.0,
        "flip": True,
        "crop_chunk": 1,
        "mean": "image",
        "seed": 0,
        "keep": 2,
        "save_every": None,
        "save_minutes": None,
        "num_classes": 3,
        "stored_size": small.STORED,
        "resize_filter": "bicubic",
        "apply_exif": False,
    }
    (old / "config.json").write_text(json.dumps(document, indent=1) + "\n")
    assert load_model(old).output_shape == (None, 3)
    small.resume(old, shuffle="index")
    ours, others = (newest_checkpoint(r / "checkpoints").arrays for r in (old, run))
    assert set(ours) == set(others)
    for name, expected in others.items():
        np.testing.assert_array_equal(ours[name], expected, err_msg=name)
    mine, its = (load_model(folder).get_weights() for folder in (old, run))
    for array, expected in zip(mine, its, strict=True):
        np.testing.assert_array_equal(array, expected)


@pytest.mark.parametrize("asked", [False, True])
def test_kernels_whose_bits_may_differ_are_left_out_when_asked(
    dataset, tmp_path, monkeypatch, asked
):
    class Compiled(Exception):
        """Ends the training before it begins."""

    def compile_network(*_):
        raise Compiled

    called = []
    switch = "enable_op_determinism"
    monkeypatch.setattr(tf.config.experimental, switch, lambda: called.append(switch))
    monkeypatch.setattr(training_run, "compile_network", compile_network)
    with pytest.raises(Compiled):
        small.train(dataset, tmp_path / "run", deterministic=asked)
    assert called == [switch] * asked
    assert read_config(tmp_path / "run").preset.recipe.deterministic is asked
