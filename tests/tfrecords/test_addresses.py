import uuid
from pathlib import Path

import pytest
import tensorflow as tf

from keras_alexnet import cli
from keras_alexnet.data import eval_dataset, train_dataset
from keras_alexnet.trained.config_file import read_config
from tests import small
from tests.keras_alexnet.data.streams import OPTIONS, arrays, assert_same
from tests.keras_alexnet.training.conftest import assert_same_end
from tfrecords import DatasetError, Manifest
from tfrecords.addresses import Address, dataset_folder


@pytest.fixture
def place():
    """An address that TensorFlow keeps in memory."""
    text = f"ram://{uuid.uuid4().hex}/data"
    tf.io.gfile.makedirs(text)
    with tf.io.gfile.GFile(f"{text}/file", "wb") as file:
        file.write(b"some bytes")
    return Address(text)


def test_it_reads_as_a_path_does(place):
    file = place / "file"
    assert file.read_bytes() == b"some bytes" and file.stat().st_size == 10
    assert file.exists() and not file.is_dir() and place.is_dir()
    assert (file.name, file.parent) == ("file", place)
    assert str(file) == f"{place}/file" and Address(f"{place}/") == place
    assert {file, place / "file"} == {file}
    with file.open("rb", buffering=0) as opened:
        opened.seek(5)
        assert opened.read(3) == b"byt"


def test_what_is_not_there_is_said_as_of_a_file(place):
    absent = place / "absent"
    assert not absent.exists() and not absent.is_dir()
    for ask in (absent.read_bytes, absent.stat):
        with pytest.raises(FileNotFoundError, match=f"{absent}"):
            ask()


def test_a_scheme_that_tensorflow_does_not_know_is_an_error_of_the_system():
    with pytest.raises(OSError, match="TensorFlow reads file, gs, ram"):
        Address("nowhere://a/b").read_bytes()


def test_nothing_is_written(place):
    with pytest.raises(OSError, match="nothing is written"):
        with (place / "file").open("wb"):
            pass


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("gs://bucket/data", Address("gs://bucket/data")),
        (Path("gs://bucket/data"), Address("gs://bucket/data")),
        (Address("s3://b/d"), Address("s3://b/d")),
        ("data", Path("data")),
        ("/a:b/c", Path("/a:b/c")),
        ("c:/data", Path("c:/data")),
    ],
)
def test_an_address_is_told_from_a_path(given, expected):
    assert dataset_folder(given) == expected


def test_a_file_of_this_machine_has_a_path():
    with pytest.raises(DatasetError, match="Give /data"):
        dataset_folder(Path("file:///data"))


def test_a_folder_that_looks_like_one_is_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("gs:/bucket/data").mkdir(parents=True)
    assert dataset_folder("gs:/bucket/data") == Path("gs:/bucket/data")


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
