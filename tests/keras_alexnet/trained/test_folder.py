"""Network folders: saved whole, opened only if the network gives numbers.

A network that gives none is answered with by no verb, and hidden by no figure.
"""

import errno
import json
import shutil

import keras
import numpy as np
import pytest

from keras_alexnet import cli, load
from keras_alexnet.evaluation.accuracy import evaluate
from keras_alexnet.export import saved_model
from keras_alexnet.export.saved_model import export
from keras_alexnet.trained import folder, new_folder
from tests import small
from tfrecords import DatasetError


def spoiled(run, folder, layer, value):
    """Copy a run with a best network such as earlier versions saved."""
    shutil.copytree(run, folder, ignore=shutil.ignore_patterns("metrics.json"))
    model = keras.models.load_model(folder / "network.keras", compile=False)
    kernel = model.get_layer(layer).kernel
    values = kernel.numpy()
    values[..., 0] = value
    kernel.assign(values)
    model.save(folder / "network.keras")
    return folder


@pytest.fixture(scope="module")
def nan_run(run, tmp_path_factory):
    return spoiled(run, tmp_path_factory.mktemp("nan") / "run", "fc8", np.nan)


@pytest.fixture(scope="module")
def overflowing_run(run, tmp_path_factory):
    """Finite weights; in a graph the scores are finite too, zeros."""
    return spoiled(run, tmp_path_factory.mktemp("high") / "run", "conv3", 1e38)


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures") / "one.jpg"
    path.write_bytes(small.encode(small.picture(0, 7)))
    return path


@pytest.fixture
def unchecked(monkeypatch):
    """What is only seen in the answers."""
    monkeypatch.setattr(folder, "find_not_finite", lambda model: None)
    monkeypatch.setattr(saved_model, "describe_export", lambda *given: None)


@pytest.mark.parametrize(
    ("which", "what"),
    [
        ("nan_run", "the weight fc8/kernel is not finite"),
        ("overflowing_run", "the output of conv3 is not finite"),
    ],
)
@pytest.mark.parametrize("verb", ["evaluate", "ensemble", "predict", "export"])
def test_every_verb_says_what_is_wrong(
    request, run, dataset, picture, tmp_path, capsys, which, what, verb
):
    broken = request.getfixturevalue(which)
    arguments = {
        "evaluate": ["evaluate", broken, dataset, "--json", tmp_path / "out"],
        "ensemble": ["evaluate", run, broken, dataset, "--json", tmp_path / "out"],
        "predict": ["predict", broken, picture, "--json", tmp_path / "out"],
        "export": ["export", broken, tmp_path / "out"],
    }[verb]
    assert cli.main([str(argument) for argument in arguments]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert str(broken / "network.keras") in error and what in error
    assert "--learning-rate" in error
    assert not (tmp_path / "out").exists()
    assert not (broken / "metrics.json").exists()


def test_openvino_is_not_given_such_a_network(nan_run):
    pytest.importorskip("openvino")
    with pytest.raises(DatasetError, match="the weight fc8/kernel is not finite"):
        load(nan_run, runtime="openvino")


def test_an_evaluation_with_answers_that_are_not_finite_ends(
    unchecked, run, nan_run, dataset
):
    message = f"{nan_run} gives 12 of 12 pictures probabilities that are not finite"
    with pytest.raises(DatasetError, match=message):
        evaluate([load(run), load(nan_run)], dataset, views=1)


def test_a_prediction_that_is_not_finite_is_an_error_of_its_picture(
    unchecked, run, tmp_path, picture, capsys
):
    high = spoiled(run, tmp_path / "high", "fc8", 3e38)
    out = tmp_path / "out.json"
    arguments = ["predict", str(high), str(picture), "--json", str(out)]
    assert cli.main(arguments) == 1
    assert f"{picture}: not_finite" in capsys.readouterr().err
    (answer,) = json.loads(out.read_text(), parse_constant=pytest.fail)
    assert answer["scores"] == [] and "diverged" in answer["error"]


def test_an_export_of_an_earlier_version_is_refused(unchecked, nan_run, tmp_path):
    version = export(load(nan_run), tmp_path / "out")
    with pytest.raises(DatasetError, match="weights are not finite"):
        load(tmp_path / "out")
    with pytest.raises(DatasetError, match=f"{version} is of no use"):
        load(version, runtime="openvino")


def test_an_export_whose_scores_overflow_has_no_answer(
    unchecked, run, tmp_path, picture
):
    high = spoiled(run, tmp_path / "high", "fc8", 3e38)
    network = load(export(load(high), tmp_path / "out"))
    (answer,) = network.predict([picture])
    assert answer.error.startswith("not_finite") and answer.labels == []


def files(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


def test_a_saved_network_is_the_one_that_was_opened(run, tmp_path, picture):
    network = load(run)
    network.save(tmp_path / "deep" / "network")
    found = tmp_path / "deep" / "network"
    assert {*files(found)} == {
        *("config.json", "labels.txt", "statistics.npz", "network.keras"),
    }
    assert [*found.parent.iterdir()] == [found]  # nothing unfinished is left
    document = json.loads((found / "config.json").read_text())
    assert "control" not in document and document["format"] == 2
    again = load(found)
    assert again.labels == network.labels
    assert again.config.preset == network.config.preset
    for views in (1, 10):
        expected = network.predict([picture], views=views)
        assert again.predict([picture], views=views) == expected
    again.save(tmp_path / "twice")
    assert files(tmp_path / "twice").keys() == files(found).keys()
    for name in ("config.json", "labels.txt"):
        assert files(tmp_path / "twice")[name] == files(found)[name]


def test_a_network_is_saved_whole_or_not_at_all(run, tmp_path, monkeypatch):
    network = load(run)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(new_folder, "write_facts", full)
    with pytest.raises(DatasetError, match="No space left on the disk"):
        network.save(tmp_path / "network")
    assert not list(tmp_path.iterdir())


def test_a_folder_with_files_is_not_written_into(run, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(DatasetError, match="Expected a new or empty folder"):
        load(run).save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("verb", ["predict", "evaluate", "export"])
def test_a_run_without_its_labels_is_named_by_every_verb(
    run, dataset, picture, tmp_path, capsys, verb
):
    copy = shutil.copytree(run, tmp_path / "run")
    (copy / "labels.txt").unlink()
    last = {"predict": picture, "evaluate": dataset, "export": tmp_path / "out"}[verb]
    assert cli.main([verb, str(copy), str(last)]) == 1
    error = capsys.readouterr().err.strip()
    assert f"{copy / 'labels.txt'}, found no such file. Copy it" in error
    assert error.count("\n") == 0 and "Errno" not in error


def test_names_that_are_too_few_are_named(run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "run")
    (copy / "labels.txt").write_text("blue\nred\n")
    with pytest.raises(DatasetError, match="Expected 3 names in .*found 2"):
        load(copy)


def test_a_run_without_an_epoch_says_how_to_go_on(run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "run")
    (copy / "network.keras").unlink()
    with pytest.raises(DatasetError, match="no epoch has finished.*--resume"):
        load(copy)
    (copy / "network.keras").write_bytes(b"not a model")
    with pytest.raises(DatasetError, match="Cannot load .*network.keras"):
        load(copy)


def test_the_network_of_an_earlier_run_is_read(run, tmp_path, picture):
    copy = shutil.copytree(run, tmp_path / "run")
    (copy / "network.keras").rename(copy / "network.keras")
    assert load(copy).predict([picture]) == load(run).predict([picture])
