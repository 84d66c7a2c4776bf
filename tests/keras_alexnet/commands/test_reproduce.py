import inspect
import re

import pytest

from keras_alexnet import cli
from keras_alexnet.commands.reproduce import ReproduceOptions
from keras_alexnet.reproduction import EXPERIMENTS
from keras_alexnet.reproduction import reproduce as module
from keras_alexnet.reproduction.experiment import Conditions
from keras_alexnet.reproduction.run import LAST_ERROR, MINUTES
from keras_alexnet.training.state.stopping import Interrupted
from tests.keras_alexnet.reproduction.records import record


def test_published_stands_beside_measured(monkeypatch, tmp_path, capsys):
    asked = []

    def reproduce(experiment, data, out, *, seeds, conditions, cache, xla):
        asked.append((experiment.name, str(data), out, seeds, conditions, cache, xla))
        figures = {LAST_ERROR: 25.5, MINUTES: 2.0}
        return {("cifar-80sec", 0): record("cifar-80sec", **figures)}

    monkeypatch.setattr(module, "reproduce", reproduce)
    words = f"cifar-80sec data {tmp_path} --seeds 2 --cache --no-xla"
    assert cli.main(["reproduce", *words.split()]) == 0
    assert asked == [("cifar-80sec", "data", tmp_path, 2, Conditions(), True, False)]
    said = capsys.readouterr().out
    for each in ("cuda-convnet's fast net", "26 % in 80 s", "25.50 % (1)", "2.00 min"):
        assert each in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["magic", "data", "out"], "experiment of relu, .*imagenet, got 'magic'"),
        (["relu", "data", "out", "--seeds", "0"], "seeds >= 1, got 0"),
        (["relu", "data", "out", "--quick", "--seeds", "2"], "it has its own"),
        (["imagenet", "{data}", "out"], "of 1,000 classes, for imagenet, found 3"),
        (["relu", "{data}", "out"], "about 32 pixels for cifar-19pct, got 72"),
    ],
)
def test_what_cannot_be_run_is_refused_in_one_line(
    arguments, message, dataset, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    words = [word.replace("{data}", str(dataset)) for word in arguments]
    assert cli.main(["reproduce", *words]) == 1
    said = capsys.readouterr().err
    assert re.search(message, said) and said.count("\n") == 1


def test_an_interruption_has_its_status(monkeypatch, capsys):
    def reproduce(*arguments, **options):
        raise Interrupted(2, 3, 4)

    monkeypatch.setattr(module, "reproduce", reproduce)
    assert cli.main(["reproduce", "relu", "data", "out"]) == 130
    said = capsys.readouterr().err
    assert "stopped at epoch 3 step 4 of a run; give the same command" in said


def test_every_experiment_is_named_in_the_help():
    text = inspect.getsource(ReproduceOptions).split('"""')[3]
    named = re.split(r",\s+|\s+or\s+", text.strip().rstrip("."))
    assert named == [*EXPERIMENTS]
