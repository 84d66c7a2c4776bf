import hashlib
import json

import numpy as np
import pytest

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
    facts = json.loads(str(found["facts"]))
    digest = hashlib.sha256((run / "network.keras").read_bytes()).hexdigest()
    assert facts["network"]["sha256"] == digest
    assert facts["network"]["preset"] == "released"


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
