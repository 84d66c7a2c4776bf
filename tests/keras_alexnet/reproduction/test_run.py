import dataclasses
import json

import pytest

from keras_alexnet.evaluation.accuracy import evaluate
from keras_alexnet.reproduction import run as module
from keras_alexnet.reproduction.arm import Arm
from keras_alexnet.reproduction.run import (
    BEST_ERROR,
    EPOCHS,
    LAST_ERROR,
    MINUTES,
    TEN_VIEWS,
    TRAINING_ERROR,
    epochs_to,
    measured_run,
    read_errors,
    train_arm,
    watched_split,
)
from keras_alexnet.trained.opening import load
from tests import small

ARM = Arm("small", "released", small.NETWORK)


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ([0.9, 0.5, 0.3], None),
        ([0.2, 0.1], 1.0),
        ([0.5, 0.25], 2.0),
        ([0.5, 0.3, 0.2, 0.3], 2.5),
        ([], None),
    ],
)
def test_errors_fall_evenly_between_epochs(errors, expected):
    assert epochs_to(errors, 0.25) == (expected and pytest.approx(expected))


def test_a_run_ends_at_its_error_or_its_last_epoch_and_goes_on(
    dataset, tmp_path, monkeypatch
):
    monkeypatch.setattr(module, "_AT_ONCE", 1)
    preset = small.preset(epochs=2, schedule="steps")
    history = train_arm(ARM, preset, dataset, tmp_path / "whole")
    assert len(history) == 2
    easy = dataclasses.replace(ARM, until=1.0)
    assert len(train_arm(easy, preset, dataset, tmp_path / "cut")) == 1
    hard = dataclasses.replace(ARM, until=-1.0)
    again = train_arm(hard, preset, dataset, tmp_path / "cut")
    for ours, theirs in zip(again, history, strict=True):
        assert {**ours, "seconds": 0} == {**theirs, "seconds": 0}
    with pytest.raises(ValueError, match="begun with other options"):
        train_arm(ARM, preset.replace(momentum=0.5), dataset, tmp_path / "cut")


def test_a_record_has_the_figures_of_history_and_evaluation(dataset, run):
    history = [
        {"error": 0.5, "val_error": 0.25, "learning_rate": 0.01},
        {"error": 0.125, "val_error": 0.375, "learning_rate": 0.001},
    ]
    history = [
        {"epoch": epoch, **row, "seconds": 30.0 * epoch}
        for epoch, row in enumerate(history, 1)
    ]
    record = measured_run("made", ARM, 4, run, history, dataset)
    assert record.value(LAST_ERROR) == 37.5 and record.value(BEST_ERROR) == 25
    assert record.value(TRAINING_ERROR) == 12.5
    assert (record.value(EPOCHS), record.value(MINUTES)) == (2, 1.5)
    expected = evaluate([load(run)], dataset, views=10)
    assert record.value(TEN_VIEWS) == 100 * expected.top1_error
    told = record.options
    assert (told["experiment"], told["arm"], told["seed"]) == ("made", "small", 4)
    assert told["validation_error"] == [25.0, 37.5]
    assert read_errors(record) == [
        {name: value for name, value in row.items() if name != "seconds"}
        for row in history
    ]
    assert told["recipe"] == json.loads((run / "config.json").read_text())["recipe"]


def test_the_test_pictures_are_watched_where_there_are_no_others(dataset, other):
    assert watched_split(dataset) == "validation"
    whole = other(validation_fraction=0.0, test_fraction=0.25)
    assert watched_split(whole) == "test"
