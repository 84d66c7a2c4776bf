"""A dataset that is not the network's own, in every verb that takes both."""

import json
import re
import shutil

import pytest

from keras_alexnet import cli, load
from keras_alexnet.evaluation.accuracy import evaluate
from keras_alexnet.trained.dataset_check import check_dataset
from tests import small
from tfrecords import DatasetError


@pytest.fixture(scope="module")
def strange(other, dataset, tmp_path_factory):
    """Datasets of the same number of classes by what differs in them."""
    renamed, swapped = (
        shutil.copytree(dataset, tmp_path_factory.mktemp(name) / "data")
        for name in ("renamed", "swapped")
    )
    for folder, labels in ((renamed, ["a", "b", "c"]), (swapped, ["blue", "red"])):
        labels = [*labels, "green"][:3]
        document = json.loads((folder / "manifest.json").read_text())
        document["labels"] = labels
        (folder / "manifest.json").write_text(json.dumps(document))
        (folder / "labels.txt").write_text("\n".join(labels) + "\n")
    return {
        "names": renamed,
        "order": swapped,
        "size": other(size=80),
        "filter": other(filter="box"),
        "resize": other(resize="warp"),
        "orientation": other(apply_exif=True),
    }


FACTS = {
    "names": r"classes of .* differ: 3 against 3, first 'blue' against 'a'",
    "order": r"classes of .* differ: 3 against 3, first 'green' against 'red'",
    "size": r"stored size is 72; that of .* is 80.*--size 72",
    "filter": r"resize filter is bicubic; that of .* is box.*--filter bicubic",
    "resize": r"is of the shorter side; that of .* of both.*--resize short_side",
    "orientation": r"orientation is ignored; that of .* is applied.*--no-apply-exif",
}


def files(folder):
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("fact", FACTS)
@pytest.mark.parametrize("verb", ["train", "evaluate", "ensemble", "openvino"])
def test_what_differs_is_said_before_anything_is_written(
    run, dataset, strange, tmp_path, capsys, verb, fact
):
    copy = shutil.copytree(run, tmp_path / "run")
    before = files(copy)
    commands = {
        "train": ["train", strange[fact], copy, "--resume", "--epochs", "9"],
        "evaluate": ["evaluate", copy, strange[fact], "--json", tmp_path / "a.json"],
        "ensemble": ["evaluate", copy, copy, strange[fact], "--split", "train"],
        "openvino": ["evaluate", copy, strange[fact], "--runtime", "openvino"],
    }
    assert cli.main([str(word) for word in commands[verb]]) == 1
    error = capsys.readouterr().err
    line = error.strip().splitlines()[-1]
    assert line.startswith(f"alexnet {commands[verb][0]}: ")
    assert re.search(FACTS[fact], line)
    assert files(copy) == before
    assert not (tmp_path / "a.json").exists()


def test_every_run_of_an_ensemble_is_looked_at_first(
    run, dataset, tmp_path, monkeypatch
):
    odd = shutil.copytree(run, tmp_path / "odd")
    small.change_config(odd, preprocessing={"stored_size": 80})
    done = []
    with pytest.raises(DatasetError, match="stored size is 80"):
        evaluate([load(run), load(odd)], dataset, views=1, progress=done.append)
    assert done == []


def test_another_mean_is_fine(run, other):
    check_dataset(run, other(limit=24))


def test_what_an_old_run_does_not_say_its_dataset_says(run, strange, tmp_path):
    old = shutil.copytree(run, tmp_path / "old")
    unknown = {"apply_exif": None}
    small.change_config(
        old, preprocessing=unknown, control={"data": str(strange["orientation"])}
    )
    check_dataset(old, strange["orientation"])
    small.change_config(old, control={"data": "/gone"})
    check_dataset(old, strange["orientation"])


def test_a_network_of_warped_pictures_takes_warped_ones_alone(
    run, dataset, strange, tmp_path
):
    warped = shutil.copytree(run, tmp_path / "warped")
    small.change_config(warped, preprocessing={"resize": "warp"})
    check_dataset(warped, strange["resize"])
    with pytest.raises(DatasetError, match="of both sides; that of .* --resize warp,"):
        check_dataset(warped, dataset)
