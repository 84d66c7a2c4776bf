from types import SimpleNamespace

import pytest

from keras_alexnet.training import callbacks
from keras_alexnet.training.callbacks import PlainLines


@pytest.mark.parametrize("before", [0, 4])
def test_the_time_to_go_leaves_the_first_step_out(monkeypatch, capsys, before):
    """It is traced, which takes as long as a hundred others."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(callbacks.time, "monotonic", lambda: clock.now)
    lines = PlainLines(steps=20, epochs=1, batch_size=8, first_steps={0: before})
    lines.on_epoch_begin(0)
    clock.now = 60.0  # of tracing
    lines.on_train_batch_end(0, {"loss": 1.0})
    assert capsys.readouterr().out == ""
    for batch in range(1, 4):
        clock.now += 10.0
        lines.on_train_batch_end(batch, {"loss": 1.0})
    (line,) = capsys.readouterr().out.splitlines()
    step = before + 3
    assert f"step {step}/20" in line and "1 images/s" in line
    assert f"epoch ends in {(20 - step) * 10} s" in line
