"""The training step compiled with XLA: the same mathematics, on one device."""

import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.commands.train import TrainOptions
from keras_alexnet.training.devices.plan import DevicePlan
from keras_alexnet.training.fit import train
from keras_alexnet.training.state import model_state
from tests import small
from tests.reference import training_bound


def test_a_compiled_run_comes_to_the_same_weights(dataset, tmp_path):
    """But for rounding; without dropout, for XLA draws other masks."""
    states = []
    for xla in (False, True):
        config = small.config(
            dataset, epochs=1, xla=xla, learning_rate=0.002, overrides={"dropout": None}
        )
        states.append(train(config, tmp_path / str(xla)))
    plain, compiled = (model_state.capture(state.model) for state in states)
    assert [state.model.jit_compile for state in states] == [False, True]
    assert set(plain) == set(compiled)
    limit = training_bound("float32", small.TERMS, steps=4)
    for name in (name for name in plain if name.startswith("model/")):
        distance = np.abs(plain[name] - compiled[name]).max()
        assert distance <= limit * np.abs(plain[name]).max(), name
    first, second = (state.history[0] for state in states)
    assert first["loss"] == pytest.approx(second["loss"], rel=limit)
    assert first["val_loss"] == pytest.approx(second["val_loss"], rel=limit)
    assert first["val_error"] == second["val_error"]


@pytest.mark.parametrize(
    "plan",
    [
        DevicePlan(towers=("CPU:0", "CPU:1")),
        DevicePlan(tf.distribute.OneDeviceStrategy("CPU:0")),
    ],
    ids=["towers", "strategy"],
)
def test_several_devices_are_refused_before_a_folder_is_made(dataset, tmp_path, plan):
    run = tmp_path / "run"
    with pytest.raises(ValueError, match="XLA with --strategy none.*Leave --xla out"):
        train(small.config(dataset, xla=True), run, plan=plan)
    assert not run.exists()


def test_the_option_is_off_unless_given(dataset, tmp_path):
    assert not TrainOptions(dataset, tmp_path).config().xla
    assert TrainOptions(dataset, tmp_path, xla=True).config().xla
