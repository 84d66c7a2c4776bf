import dataclasses
import shutil

import numpy as np
import pytest

from keras_alexnet.figures.curves import read_history
from keras_alexnet.record import Figure, Record
from keras_alexnet.reproduction import reproduce as module
from keras_alexnet.reproduction.arm import Arm
from keras_alexnet.reproduction.experiment import (
    JOINT,
    Conditions,
    Experiment,
    Outcome,
    every_seed,
    values,
)
from keras_alexnet.reproduction.reproduce import read_finished, reproduce
from keras_alexnet.reproduction.run import LAST_ERROR
from keras_alexnet.training.run_folder import hold_run
from tests import small

FIELDS = {**small.NETWORK, "batch_size": 8, "xla": False}
ARMS = [
    Arm(name, "released", {**FIELDS, **more})
    for name, more in (
        ("a", {}),
        ("b", {"pooling": "non_overlapping", "conv1_padding": 2}),
    )
]
CONDITIONS = Conditions(epochs=1, precision="float32")


def together(runs, data):
    return [Figure("runs", len(runs))]


def compare(finished):
    return [Outcome("error", "1", values(finished, "a", LAST_ERROR))]


MADE = Experiment(
    "made",
    "It learns.",
    "pictures",
    every_seed(ARMS),
    compare,
    fixed_drops=True,
    joint=together,
    measure=lambda run, data: [Figure("own", 7)],
)


@pytest.fixture(scope="module")
def out(dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out")
    reproduce(MADE, dataset, folder, conditions=CONDITIONS)
    return folder


def test_there_is_a_record_a_run_and_a_plot(out):
    assert {path.name for path in out.iterdir()} == {
        *("runs", "made.png", "made-a-0.json", "made-b-0.json", "made-joint-0.json"),
    }
    assert {path.name for path in (out / "runs").iterdir()} == {"a-0", "b-0"}
    record = Record.load(out / "made-b-0.json")
    assert record.subject == "reproduction" and record.value("own") == 7
    assert record.options["conditions"] == dataclasses.asdict(CONDITIONS)
    assert Record.load(out / "made-joint-0.json").value("runs") == 2


def test_what_is_finished_is_not_trained_again(out, dataset, monkeypatch):
    def refuse(*arguments, cache):
        raise AssertionError("trained again")

    monkeypatch.setattr(module, "train_arm", refuse)
    again = reproduce(MADE, dataset, out, conditions=CONDITIONS)
    assert again.keys() == read_finished("made", out).keys()
    assert {*again} == {("a", 0), ("b", 0), (JOINT, 0)}
    with pytest.raises(AssertionError, match="trained again"):
        reproduce(MADE, dataset, out, seeds=2, conditions=CONDITIONS)


def test_records_are_enough_to_draw_again(out, dataset, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(module, "plot_errors", lambda axes, rows: drawn.append(rows))
    finished = read_finished("made", out)
    del finished[JOINT, 0]
    module.draw_errors(MADE, finished, dataset, tmp_path)
    columns = ("epoch", "error", "val_error", "learning_rate")
    assert [name for name, _ in drawn[0]] == ["a", "b"]
    for name, rows in drawn[0]:
        history = read_history(out / "runs" / f"{name}-0")
        wanted = [[row[column] for column in columns] for row in history]
        found = [[row[column] for column in columns] for row in rows]
        np.testing.assert_allclose(found, wanted, atol=6e-6)  # three digits of per cent


def test_a_run_of_another_experiment_with_its_name_is_taken(out, dataset, monkeypatch):
    other = dataclasses.replace(MADE, name="second", joint=None, measure=None)
    found = reproduce(other, dataset, out, conditions=CONDITIONS)
    mine = Record.load(out / "made-a-0.json")
    assert found["a", 0].value(LAST_ERROR) == mine.value(LAST_ERROR)
    assert read_finished("made", out).keys() == {("a", 0), ("b", 0), (JOINT, 0)}


def test_a_record_of_another_experiment_stands_for_a_run_that_is_gone(
    out, dataset, tmp_path, monkeypatch
):
    for arm in ("a", "b"):
        shutil.copy(out / f"made-{arm}-0.json", tmp_path)
    calls = []
    monkeypatch.setattr(module, "train_arm", lambda *all, cache: calls.append(all))
    third = dataclasses.replace(MADE, name="third", joint=None, measure=None)
    found = reproduce(third, dataset, tmp_path, conditions=CONDITIONS)
    assert not calls
    for (arm, seed), record in found.items():
        mine = Record.load(out / f"made-{arm}-{seed}.json")
        assert (record.figures, record.commit) == (mine.figures, mine.commit)
        assert record.options["experiment"] == "third"
        assert record.title == f"third: {arm}, seed 0"
    assert read_finished("third", tmp_path).keys() == found.keys()


@pytest.mark.parametrize(
    ("changed", "conditions"),
    [
        ({"measure": MADE.measure}, CONDITIONS),
        ({"measure": None}, dataclasses.replace(CONDITIONS, epochs=2)),
    ],
    ids=["its own figures", "other conditions"],
)
def test_a_record_that_is_not_enough_is_not_taken(
    changed, conditions, out, dataset, tmp_path, monkeypatch
):
    class TrainedError(Exception):
        pass

    def train(*arguments, cache):
        raise TrainedError

    shutil.copy(out / "made-a-0.json", tmp_path)
    monkeypatch.setattr(module, "train_arm", train)
    fourth = dataclasses.replace(MADE, name="fourth", joint=None, **changed)
    with pytest.raises(TrainedError):
        reproduce(fourth, dataset, tmp_path, conditions=conditions)


def test_other_conditions_are_refused(out, dataset):
    changed = dataclasses.replace(CONDITIONS, epochs=2)
    with pytest.raises(
        ValueError, match="made-a-0.json to be of .*Take another folder"
    ):
        reproduce(MADE, dataset, out, conditions=changed)


def test_what_another_process_trains_is_left_to_it(dataset, tmp_path):
    mine = dataclasses.replace(MADE, joint=None)
    with (
        hold_run(tmp_path / "runs" / "a-0", make=True),
        pytest.raises(ValueError, match="Other processes train a-0. Give the same"),
    ):
        reproduce(mine, dataset, tmp_path, conditions=CONDITIONS)
    assert read_finished("made", tmp_path).keys() == {("b", 0)}
    found = reproduce(mine, dataset, tmp_path, conditions=CONDITIONS, cache=True)
    assert found.keys() == {("a", 0), ("b", 0)}


@pytest.mark.parametrize("xla", [None, True])
def test_xla_compiles_what_begins_now(xla, dataset, tmp_path, monkeypatch):
    class SeenError(Exception):
        pass

    def train(arm, preset, *places, cache):
        raise SeenError(preset.recipe.xla)

    fields = {name: value for name, value in FIELDS.items() if name != "xla"}
    free = dataclasses.replace(MADE, arms=every_seed([Arm("a", "released", fields)]))
    monkeypatch.setattr(module, "train_arm", train)
    with pytest.raises(SeenError) as seen:
        reproduce(free, dataset, tmp_path, conditions=CONDITIONS, xla=xla)
    assert seen.value.args == (xla,)


def test_a_dataset_of_other_classes_is_refused(dataset, tmp_path):
    wide = dataclasses.replace(MADE, classes=1000)
    with pytest.raises(ValueError, match="of 1,000 classes, for made, found 3"):
        reproduce(wide, dataset, tmp_path, conditions=CONDITIONS)


def test_one_seed_is_enough_to_see_that_it_works(dataset, tmp_path, monkeypatch):
    seen = []

    def noted(experiment, arm, seed, *rest, **computing):
        seen.append((arm.name, seed))
        return Record.load(tmp_path / "x.json")

    record = Record(
        "reproduction",
        "x",
        "x",
        None,
        {},
        None,
        options={"training_error": [1.0], "validation_error": [1.0]},
    )
    record.save(tmp_path / "x.json")
    monkeypatch.setattr(module, "_finish", noted)
    monkeypatch.setattr(module, "draw_errors", lambda *arguments: None)
    quick = dataclasses.replace(MADE, seeds=3, joint=None)
    reproduce(quick, dataset, tmp_path, conditions=Conditions(quick=True))
    assert seen == [("a", 0), ("b", 0)]
