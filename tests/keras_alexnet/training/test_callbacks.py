from types import SimpleNamespace

import keras
import numpy as np
import pytest

from keras_alexnet import cli
from keras_alexnet.commands import train
from keras_alexnet.training import callbacks
from keras_alexnet.training.callbacks import (
    EpochLog,
    StopAtNan,
    TensorBoardScalars,
)
from keras_alexnet.training.state.checkpoint import list_checkpoints, newest_checkpoint
from keras_alexnet.training.update.optimizer import CoupledSGD
from tests import small
from tests.keras_alexnet.training.conftest import with_state
from tfrecords.errors import UserError


@pytest.fixture
def clock(monkeypatch):
    """A clock that tests set."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(callbacks.time, "monotonic", lambda: clock.now)
    return clock


def fitted(optimizer, *callbacks):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(optimizer, "mean_squared_error", jit_compile=False)
    options = {"verbose": 0, "callbacks": list(callbacks), "batch_size": 2}
    return model, model.fit(np.eye(4), np.ones((4, 1)), **options)


@pytest.mark.parametrize(
    "rate", [keras.optimizers.schedules.ExponentialDecay(0.5, 1, 0.5), lambda: 0.125]
)
def test_the_rate_of_a_schedule_is_logged(rate):
    _, history = fitted(CoupledSGD(rate), EpochLog())
    assert history.history["learning_rate"] == [0.125]


def test_scalars_take_a_folder_in_either_form(tmp_path):
    for folder in (tmp_path / "one", str(tmp_path / "two")):
        fitted(CoupledSGD(), TensorBoardScalars(folder))
    written = [len(list(tmp_path.glob(f"{n}/tensorboard/*"))) for n in ("one", "two")]
    assert written == [1, 1]


def test_an_epoch_that_was_begun_before_has_its_seconds_too(clock):
    log = EpochLog()
    log.set_model(fitted(CoupledSGD(0.25))[0])
    log.seconds_before = 40.0
    log.on_epoch_begin(0)
    clock.now += 2.5
    logs = {}
    log.on_epoch_end(0, logs)
    assert logs == {"learning_rate": 0.25, "seconds": 42.5}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_the_alarm_names_figure_place_and_rate(clock, value):
    alarm = StopAtNan({2: 30})
    alarm.set_model(fitted(CoupledSGD(0.25))[0])
    alarm.on_epoch_begin(2)
    alarm.on_train_batch_end(0, {"loss": 1.0})
    clock.now += 0.5
    alarm.on_train_batch_end(1, {"loss": value})  # not read: it would wait for a GPU
    clock.now += 0.5
    message = f"loss became {value} at step 32 of this epoch, at learning rate 0.25"
    with pytest.raises(UserError, match=message):
        alarm.on_train_batch_end(1, {"loss": value})
    alarm.on_epoch_begin(3)
    with pytest.raises(UserError, match="at step 1 of this epoch"):
        alarm.on_train_batch_end(0, {"loss": value})
    with pytest.raises(
        UserError, match=f"val_loss became {value} at the end of epoch 4"
    ):
        alarm.on_epoch_end(3, {"loss": 1.0, "val_loss": value})


ONE_STEP = {"batch_size": 36, "learning_rate": 1e8}  # an epoch; its loss is still good


def test_an_update_that_ruins_the_network_is_seen_in_the_validation(
    tmp_path, dataset, monkeypatch, capsys
):
    run = tmp_path / "run"
    settings = small.settings(dataset, run, **ONE_STEP, epochs=1)
    monkeypatch.setattr(train, "settings", lambda arguments: settings)
    assert cli.main(["train", str(dataset), str(run)]) == 1
    captured = capsys.readouterr()
    assert "Best validation error" not in captured.out
    error = captured.err.splitlines()[-1]
    assert "The val_loss became" in error and "the end of epoch 1" in error
    assert "--learning-rate" in error
    assert not (run / "network.keras").exists() and not (run / "history.csv").exists()
    assert list_checkpoints(run / "checkpoints") == []


def test_the_best_network_before_it_stays(run, tmp_path):
    saved = newest_checkpoint(run / "checkpoints")
    wild = {**saved.state["plateau"], "learning_rate": 1e8}
    part = with_state(run, tmp_path / "part", plateau=wild)
    best = (part / "network.keras").read_bytes()
    history = (part / "history.csv").read_bytes()
    with pytest.raises(UserError, match="val_loss became .* end of epoch 3"):
        small.resume(part, epochs=3, batch_size=36)
    assert (part / "network.keras").read_bytes() == best
    assert (part / "history.csv").read_bytes() == history
    (newest,) = list_checkpoints(part / "checkpoints")
    assert newest.name == "epoch-0002.npz"
