"""Networks that give no numbers: no verb answers with them, and no figure hides it."""

import json
import shutil

import keras
import numpy as np
import pytest

from keras_alexnet import cli
from keras_alexnet.evaluation.accuracy import evaluate
from keras_alexnet.evaluation.result import Report
from keras_alexnet.export.saved_model import export_saved_model
from keras_alexnet.inference.classifier import predict
from keras_alexnet.trained import folder
from keras_alexnet.trained.opening import load_network
from tests import small
from tfrecords import DatasetError


def spoiled(run, folder, layer, value):
    """Copy a run with a best network such as earlier versions saved."""
    shutil.copytree(run, folder, ignore=shutil.ignore_patterns("metrics.json"))
    model = keras.models.load_model(folder / "best.keras", compile=False)
    kernel = model.get_layer(layer).kernel
    values = kernel.numpy()
    values[..., 0] = value
    kernel.assign(values)
    model.save(folder / "best.keras")
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
    assert str(broken / "best.keras") in error and what in error
    assert "--learning-rate" in error
    assert not (tmp_path / "out").exists()
    assert not (broken / "metrics.json").exists()


def test_openvino_is_not_given_such_a_network(nan_run, dataset):
    pytest.importorskip("openvino")
    with pytest.raises(DatasetError, match="the weight fc8/kernel is not finite"):
        evaluate([nan_run], dataset, num_views=1, runtime="openvino")
    with pytest.raises(DatasetError, match="the weight fc8/kernel is not finite"):
        load_network(nan_run, runtime="openvino")


def test_an_evaluation_with_answers_that_are_not_finite_ends(
    unchecked, run, nan_run, dataset
):
    message = f"{nan_run} gives 12 of 12 pictures probabilities that are not finite"
    with pytest.raises(DatasetError, match=message):
        evaluate([run, nan_run], dataset, num_views=1)


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
    version = export_saved_model(nan_run, tmp_path / "out")
    with pytest.raises(DatasetError, match="weights are not finite"):
        load_network(tmp_path / "out")
    with pytest.raises(DatasetError, match=f"{version} is of no use"):
        load_network(version, runtime="openvino")


def test_an_export_whose_scores_overflow_has_no_answer(
    unchecked, run, tmp_path, picture
):
    high = spoiled(run, tmp_path / "high", "fc8", 3e38)
    network = load_network(export_saved_model(high, tmp_path / "out"))
    (answer,) = predict(network, [picture])
    assert answer.error.startswith("not_finite") and answer.labels == []


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_report_counts_no_guesses_that_are_not_there(value):
    probabilities = np.array([[0.2, 0.8], [value, value]])
    with pytest.raises(ValueError, match="finite probabilities"):
        Report.count(probabilities, np.array([0, 0]), ["a", "b"], {})
