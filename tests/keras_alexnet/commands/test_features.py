import hashlib
import json

import h5py
import numpy as np
import pytest
import scipy.io
import tensorflow as tf
from pyarrow import parquet

import keras_alexnet
from keras_alexnet import cli, load
from tests import small


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(3):
        encoded = small.encode(small.picture(number, number))
        (folder / f"{number}.jpg").write_bytes(encoded)
    return folder


def features(*arguments):
    return cli.main(["features", *map(str, arguments)])


def test_features_of_files_folders_and_lists(run, pictures, tmp_path, capsys):
    out, listed = tmp_path / "out.npz", tmp_path / "list.txt"
    listed.write_text("pictures/1.jpg\n\npictures/missing.jpg\n")
    layers = ["--layer", "fc6_pre", "--layer", "conv5_tower1"]
    places = [pictures / "2.jpg", pictures, "--list", listed]
    assert features(run, *places, *layers, "--out", out) == 1
    said = capsys.readouterr()
    assert "missing.jpg: " in said.err and "No such file" in said.err
    assert f"{out}: fc6_pre, conv5_tower1 of 5 pictures, 1 left out" in said.out
    found = np.load(out)
    names = [path.rpartition("/")[2] for path in found["paths"]]
    assert names == ["2.jpg", "0.jpg", "1.jpg", "2.jpg", "1.jpg"]
    expected = load(run).features(found["paths"].tolist(), "fc6_pre")
    np.testing.assert_array_equal(found["fc6_pre"], expected)


def _npz_facts(path):
    return np.load(path)["facts"].item()


def _h5_facts(path):
    with h5py.File(path) as file:
        return file.attrs["facts"]


def _mat_facts(path):
    return scipy.io.loadmat(path)["facts"].item()


def _parquet_facts(path):
    return parquet.read_schema(path).metadata[b"facts"]


@pytest.mark.parametrize(
    ("ending", "read"),
    [
        (".npz", _npz_facts),
        (".h5", _h5_facts),
        (".mat", _mat_facts),
        (".parquet", _parquet_facts),
        (".npy", None),
        (".tfrecord", None),
    ],
)
def test_the_card_of_the_network_lies_beside_and_in_the_file(
    run, pictures, tmp_path, ending, read
):
    out = tmp_path / f"out{ending}"
    assert (
        features(run, pictures, "--layer", "conv5", "--order", "CHW", "--out", out) == 0
    )
    beside = json.loads(out.with_name(f"{out.name}.json").read_text())
    config = json.loads((run / "config.json").read_text())
    card = {
        "version": keras_alexnet.__version__,
        "tensorflow": tf.__version__,
        "network": {
            "path": str(run),
            "preset": "released",
            "sha256": hashlib.sha256((run / "network.keras").read_bytes()).hexdigest(),
            "classes": 3,
            "preprocessing": config["preprocessing"],
        },
        "layers": {"conv5": [8, 3, 3]},
        "order": "CHW",
        "dtype": "float32",
    }
    assert card["network"]["preprocessing"]["mean"] == "image"
    assert {name: beside[name] for name in card} == card
    if read is not None:
        assert json.loads(read(out)) == card


def test_features_of_a_split_have_its_labels(run, dataset, tmp_path, capsys):
    out = tmp_path / "out.npz"
    assert features(run, dataset, "--split", "validation", "--out", out) == 0
    found, network = np.load(out), load(run)
    assert found["fc7"].shape == (12, 16)
    folders = [path.split("/")[-2] for path in found["paths"]]
    assert folders == [network.labels[label] for label in found["labels"]]
    assert features(run, dataset, "--out", out) == 1
    assert "Expected --split with the dataset folder" in capsys.readouterr().err
    assert features(run, dataset, "--split", "no", "--out", out) == 1
    assert "Expected a split 'no'" in capsys.readouterr().err
    assert features(run, "--split", "train", "--out", out) == 1
    assert "Expected one dataset folder with --split train" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--layer", "fc9", "--out", "OUT.npz"],
            "Unknown layer 'fc9'. Did you mean fc",
        ),
        (["--layer", "features.3", "--out", "OUT.npz"], "released is another network"),
        (["--layer", "fc7", "--layer", "fc7", "--out", "OUT.npz"], "got fc7 twice"),
        (
            ["--layer", "fc7", "--layer", "fc6", "--out", "OUT.npy"],
            "Expected one layer",
        ),
        (["--out", "OUT.csv"], "Unknown ending of a file of features '.csv'"),
        (["--out", "OUT.mat", "--dtype", "float16"], "Expected --dtype float32"),
        (["--list", "none.txt", "--out", "OUT.npz"], "Cannot read the list none.txt"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    run, pictures, tmp_path, capsys, arguments, said
):
    arguments = [a.replace("OUT", str(tmp_path / "out")) for a in arguments]
    assert features(run, pictures, *arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("alexnet features: ") and error.count("\n") == 1
    assert said in error
    assert [*tmp_path.iterdir()] == [pictures]


def test_no_picture_and_an_export_are_refused(
    run, exported, pictures, tmp_path, capsys
):
    out = tmp_path / "out.npz"
    assert features(run, "--out", out) == 1
    assert "Expected pictures" in capsys.readouterr().err
    assert features(exported, pictures, "--out", out) == 1
    assert (
        "Expected a run or network folder for a Keras model" in capsys.readouterr().err
    )
    assert not out.exists()
