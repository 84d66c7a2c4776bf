"""A dataset that is not the run's own, for training."""

import dataclasses
import json
import shutil

import numpy as np
import pytest

from keras_alexnet import cli
from keras_alexnet.training.run_dataset import RunDataset
from tests import small
from tfrecords import DatasetError, Statistics


def files(folder):
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_other_pictures_are_refused_for_training(run, dataset, other, tmp_path, capsys):
    fewer = other(limit=24)
    copy = shutil.copytree(run, tmp_path / "run")
    before = files(copy)
    arguments = ["train", str(fewer), str(copy), "--resume", "--epochs", "3"]
    assert cli.main(arguments) == 1
    error = capsys.readouterr().err
    assert f"{fewer} has 18 pictures, that of {copy} 36" in error
    assert files(copy) == before
    # As many pictures, but not the same.
    statistics = Statistics.load(dataset / "statistics.npz")
    fields = {**vars(statistics), "mean_image": statistics.mean_image + np.float32(1)}
    other_pictures = dataclasses.replace(
        RunDataset.read(dataset), statistics=Statistics(**fields)
    )
    with pytest.raises(DatasetError, match="another mean image"):
        other_pictures.check_is_of(run)


def test_a_dataset_may_move_and_be_cut_into_other_shards(
    run, dataset, other, tmp_path, capsys
):
    copy = shutil.copytree(run, tmp_path / "run")
    moved = shutil.copytree(dataset, tmp_path / "moved")
    for data in (moved, other(shards=3)):
        RunDataset.read(data).check_is_of(copy)
        assert cli.main(["train", str(data), str(copy), "--resume"]) == 0
        assert "Nothing to do" in capsys.readouterr().out
        document = json.loads((copy / "config.json").read_text())
        assert document["control"]["data"] == str(data)


@pytest.fixture
def manifest_of(dataset, tmp_path):
    """Read a copy of the dataset whose manifest is another one."""

    def read(change):
        copy = shutil.copytree(dataset, tmp_path / "copy")
        document = json.loads((copy / "manifest.json").read_text())
        change(document)
        (copy / "manifest.json").write_text(json.dumps(document))
        return RunDataset.read(copy)

    return read


def test_the_validation_split_is_watched_else_the_test_split(dataset, manifest_of):
    assert RunDataset.read(dataset).validation_split == "validation"

    def rename(document):
        for part in ("splits", "class_counts"):
            document[part]["test"] = document[part].pop("validation")

    assert manifest_of(rename).validation_split == "test"


def test_a_dataset_without_validation_is_refused(manifest_of):
    read = manifest_of(lambda document: document["splits"].pop("validation"))
    with pytest.raises(DatasetError, match="validation or test split"):
        read.check_fits(small.preset())


def test_a_dataset_without_training_pictures_is_refused(manifest_of):
    with pytest.raises(DatasetError, match="training split in .*for alexnet evaluate"):
        manifest_of(lambda document: document["splits"].pop("train"))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"batch_size": 37}, "batch of 37 training pictures in .*found 36"),
        ({"input_size": 73}, "at least 73 pixels in .*found 72"),
        ({"input_size": 5}, "5"),
    ],
)
def test_a_network_that_could_take_no_step_is_refused(dataset, fields, message):
    read = RunDataset.read(dataset)
    read.check_fits(small.preset())
    with pytest.raises(ValueError, match=message):
        read.check_fits(small.preset(**fields))


def test_it_knows_what_the_build_did_to_the_pictures(dataset, other):
    assert RunDataset.read(dataset).preprocessing(small.preset()) == {
        "stored_size": small.STORED,
        "resize_filter": "bicubic",
        "apply_exif": False,
        "input_size": small.INPUT,
        "mean": "image",
    }
    turned = RunDataset.read(other(apply_exif=True, filter="box", resize="warp"))
    found = turned.preprocessing(small.preset(mean="channel"))
    expected = ("box", True, "channel")
    assert (found["resize_filter"], found["apply_exif"], found["mean"]) == expected
    assert found["resize"] == "warp"
