"""A dataset at an address, which TensorFlow keeps in memory here, as one on a disk."""

import uuid

import pytest
import tensorflow as tf

from keras_alexnet import cli
from keras_alexnet.data import eval_dataset, train_dataset
from keras_alexnet.trained.config_file import read_config
from tests import small
from tests.keras_alexnet.data.streams import OPTIONS, arrays, assert_same
from tests.keras_alexnet.training.conftest import assert_same_end
from tfrecords import DatasetError, Manifest


@pytest.fixture
def address(dataset):
    text = f"ram://{uuid.uuid4().hex}/data"
    tf.io.gfile.makedirs(text)
    for path in dataset.iterdir():
        with tf.io.gfile.GFile(f"{text}/{path.name}", "wb") as file:
            file.write(path.read_bytes())
    return text


@pytest.mark.parametrize("make", [train_dataset, eval_dataset])
def test_streams_are_those_of_the_folder(dataset, address, make):
    assert_same(arrays(make(address, **OPTIONS)), arrays(make(dataset, **OPTIONS)))


def test_a_run_is_that_of_the_folder(run, address, tmp_path, capsys):
    part = tmp_path / "run"
    small.train(address, part, epochs=1)
    assert read_config(part).control["data"] == address
    command = ["train", address, str(part), "--resume", "--epochs", "2"]
    assert cli.main(command) == 0, capsys.readouterr().err
    assert_same_end(run, part)
    assert cli.main(["evaluate", str(part), address, "--views", "1"]) == 0


def test_offsets_that_are_not_there_are_found_each_time(address, capsys):
    expected = arrays(train_dataset(address, **OPTIONS))
    tf.io.gfile.remove(f"{address}/offsets.npz")
    assert_same(arrays(train_dataset(address, **OPTIONS)), expected)
    assert "cannot be kept (it is an address)" in capsys.readouterr().err
    assert not tf.io.gfile.exists(f"{address}/offsets.npz")


def test_what_is_missing_there_is_named(address):
    shard = sorted(tf.io.gfile.glob(f"{address}/*train*"))[0]
    tf.io.gfile.remove(shard)
    with pytest.raises(DatasetError, match=f"in {shard}, which is missing"):
        train_dataset(address, **OPTIONS)
    with pytest.raises(DatasetError, match="found no manifest.json in ram://nowhere/x"):
        Manifest.load("ram://nowhere/x")
