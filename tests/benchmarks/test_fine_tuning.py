import json

import numpy as np
import pytest

from keras_alexnet.models import alexnet
from scripts.benchmarks import fine_tuning
from scripts.benchmarks.fine_tuning import ARMS, SCRATCH, FineTuningOptions
from tests import small


@pytest.fixture
def network(tmp_path):
    folder = tmp_path / "network"
    folder.mkdir()
    config = {"preset": "released", "network": {"input_size": 67}}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture
def commands(monkeypatch):
    """Every command that is given; evaluations of a run are wrong by its seed."""
    given = []

    def run(*words):
        given.append(words)
        if words[0] == "evaluate":
            error = int(words[1][-1]) / 100
            file = words[words.index("--json") + 1]
            with open(file, "w") as opened:
                json.dump({"top1_error": error}, opened)
        else:
            fine_tuning.Path(words[2]).mkdir(exist_ok=True)

    monkeypatch.setattr(fine_tuning, "_alexnet", run)
    monkeypatch.setattr(fine_tuning, "convolutions_digest", lambda folder: folder.name)
    monkeypatch.setattr(fine_tuning, "epoch_seconds", lambda run: [3.0, 1.0, 2.0])
    return given


def test_every_arm_has_the_same_pictures_epochs_and_seeds(network, tmp_path, commands):
    options = FineTuningOptions(network, tmp_path / "data", tmp_path / "out", epochs=7)
    found = fine_tuning.measure(options)
    trained = [words for words in commands if words[0] == "train"]
    assert len(trained) == len(ARMS) * 3
    for words in trained:
        assert words[1] == str(tmp_path / "data")
        assert words[words.index("--epochs") + 1] == "7"
        assert words[words.index("--seed") + 1] == words[2][-1]
        assert ("--init" in words) == (SCRATCH.split()[-1] not in words[2])
    errors = [f for f in found.figures if f.name.startswith("top-1")]
    assert [figure.value for figure in errors] == pytest.approx([2.0] * len(ARMS))
    assert not any(str(tmp_path) in note for note in found.notes)
    assert errors[0].beside == "seeds: 1.00, 2.00, 3.00; standard deviation 1.00"


def test_what_is_evaluated_is_not_done_again(network, tmp_path, commands):
    options = FineTuningOptions(network, tmp_path / "data", tmp_path / "out", seeds=1)
    run = tmp_path / "out" / "all_layers_1"
    run.mkdir(parents=True)
    (run / "config.json").write_text("{}")
    (run / "test.json").write_text('{"top1_error": 0.5}')
    values = {f.name: f.value for f in fine_tuning.measure(options).figures}
    assert values["top-1 error, all layers"] == 50
    again = [words for words in commands if words[2] == str(run)]
    assert again == [("train", str(options.data), str(run), "--resume")]
    assert not any(words[1] == str(run) for words in commands)


def test_the_digest_is_of_the_convolutions_alone(monkeypatch, tmp_path):
    model = alexnet("paper", 3, seed=0, **small.NETWORK)
    loaded = type("Network", (), {"model": model})
    monkeypatch.setattr("keras_alexnet.load", lambda _: loaded)
    before = fine_tuning.convolutions_digest(tmp_path)
    model.get_layer("fc8").bias.assign(np.ones(3))
    assert fine_tuning.convolutions_digest(tmp_path) == before
    model.get_layer("conv5").bias.assign(np.ones(8))
    assert fine_tuning.convolutions_digest(tmp_path) != before
