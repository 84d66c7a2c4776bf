"""The code in docs/datasets.md, run as it stands there on a dataset of digits."""

import re
from pathlib import Path

import numpy as np
import pytest

import tfrecords
from tests.reference import relative, rounding_bound
from tfrecords.dataset.example import decode_example
from tfrecords.dataset.names import IGNORED_FILE

TEXT = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def block(word):
    (found,) = [code for code in BLOCKS if word in code]
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder that holds the dataset `data`."""
    root = tmp_path_factory.mktemp("docs")
    options = {"size": 32, "limit": 300, "processes": 1, "progress": False}
    tfrecords.build("digits", root / "data", **options)
    return root


@pytest.fixture
def run(folder, monkeypatch):
    monkeypatch.chdir(folder)

    def execute(word):
        variables = {}
        exec(block(word), variables)
        return variables

    return execute


def test_plain_tf_data_reads_every_record(run, folder):
    found = run("TFRecordDataset")
    images, labels = zip(*found["images"].as_numpy_iterator(), strict=True)
    manifest = tfrecords.Manifest.load(folder / "data")
    assert np.bincount(labels).tolist() == list(manifest.class_counts["train"])
    assert {(image.dtype, image.shape) for image in images} == {
        (np.dtype("uint8"), (32, 32, 3))
    }
    mean = tfrecords.Statistics.load(folder / "data").mean_image
    assert relative(np.mean(images, axis=0), mean) < rounding_bound("float32")


def test_plain_tf_data_code_is_short():
    lines = [line for line in block("TFRecordDataset").splitlines() if line.strip()]
    assert len(lines) <= 14


def test_tensorflow_datasets_reads_pictures_and_names(run, folder):
    found = run("builder_from_directory")
    labels = [int(label) for _, label in found["dataset"].as_numpy_iterator()]
    manifest = tfrecords.Manifest.load(folder / "data")
    assert np.bincount(labels).tolist() == list(manifest.class_counts["train"])
    assert found["names"] == [str(digit) for digit in range(10)]


def test_what_tensorflow_datasets_reads_is_renewed(run, folder):
    features = folder / "data" / "features.json"
    new = features.read_bytes()
    features.write_bytes(b"{}")
    run("write_tfds_metadata")
    assert features.read_bytes() == new


def test_statistics_and_manifest(run, folder, capsys):
    statistics = tfrecords.Statistics.load(folder / "data")
    assert (run("np.load")["mean_image"] == statistics.mean_image).all()
    run("manifest.summary")
    assert capsys.readouterr().out.startswith("digits: ")
    arrays = np.load(folder / "data" / "statistics.npz")
    assert set(arrays) == set(column("statistics.npz"))


def test_every_code_block_is_run():
    words = [
        *("TFRecordDataset", "builder_from_directory", "write_tfds_metadata"),
        *("np.load", "manifest.summary"),
    ]
    assert len(BLOCKS) == len({block(word) for word in words}) == len(words)


def test_the_keys_are_those_of_a_record(folder):
    import tensorflow as tf

    shard = next((folder / "data").glob("*-train.tfrecord-*"))
    record = next(tf.data.TFRecordDataset(str(shard)).as_numpy_iterator())
    keys = set(tf.train.Example.FromString(record).features.feature)
    assert keys == set(column("The keys of a record"))
    assert decode_example(record).synset == ""


def test_every_file_of_the_folder_is_named(folder):
    named = column("What a dataset folder holds, and how to read it")
    for path in (folder / "data").iterdir():
        if ".tfrecord-" not in path.name and not path.name.endswith(".labels.txt"):
            assert path.name in named
    assert (folder / "data" / IGNORED_FILE).exists()


def column(heading):
    """Return the code words in the first column of the table under a heading."""
    section = TEXT.split(f"# {heading}\n", 1)[1].split("\n#", 1)[0]
    cells = [line.split(" | ")[0] for line in section.splitlines() if line[:3] == "| `"]
    return [word for cell in cells for word in re.findall(r"`([^`]+)`", cell)]
