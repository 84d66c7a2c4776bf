from types import SimpleNamespace

import pytest

from keras_alexnet.training import progress_report
from keras_alexnet.training.progress_report import ProgressBar, ProgressLines


@pytest.fixture
def clock(monkeypatch):
    """A clock that tests set."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(progress_report.time, "monotonic", lambda: clock.now)
    return clock


@pytest.mark.parametrize("before", [0, 4])
def test_the_time_to_go_leaves_the_first_step_out(clock, capsys, before):
    """It is traced, which takes as long as a hundred others."""
    lines = ProgressLines(steps=20, epochs=1, batch_size=8, first_steps={0: before})
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


def shown(kind, capsys, clock, *, loop=None, seconds=10.0, **options):
    """What is shown of an epoch of 8 steps, the first of which takes a minute."""
    report = kind(steps=8, epochs=3, batch_size=4, loop=loop, **options)
    report.on_epoch_begin(1)
    for batch in range(8):
        clock.now += 60.0 if batch == 0 else seconds
        if loop is not None:
            loop.take(batch)
        report.on_train_batch_end(batch, {"loss": 0.5})
    report.on_test_begin()
    report.on_epoch_end(1, {"loss": 0.5, "val_loss": 0.25})
    return capsys.readouterr().out


def test_compiling_is_said_and_no_part_of_the_pace(clock, capsys):
    lines = shown(ProgressLines, capsys, clock, compiled=True).splitlines()
    assert lines[0] == "epoch 2/3  compiling the training step with XLA..."
    assert lines[1] == "epoch 2/3  compiled and taken in 60 s"
    assert "step 3/8" in lines[2] and "0 images/s  epoch ends in 50 s" in lines[2]
    assert lines[-1] == "epoch 2/3  loss 0.5  val_loss 0.25"
    again = ProgressLines(8, 3, 4, compiled=True)
    again.on_epoch_begin(0)
    again.on_train_batch_end(0, {})
    capsys.readouterr()
    again.on_epoch_begin(1)
    again.on_train_batch_end(0, {})
    assert capsys.readouterr().out == ""  # once


class Groups:
    """A loop that takes every fourth step, and waits for half of the time."""

    def __init__(self, clock):
        self.clock, self.pending, self.waited = clock, 0, 0.0

    def take(self, batch):
        self.pending = (self.pending + 1) % 4
        if not self.pending:
            self.waited = 0.5 * self.clock.now


def test_steps_that_are_put_off_are_not_counted(clock, capsys):
    lines = shown(ProgressLines, capsys, clock, loop=Groups(clock)).splitlines()
    (line,) = lines[:-1]
    assert "step 8/8" in line and "0 images/s  epoch ends in 0 s" in line


@pytest.mark.parametrize("idle", ["GPU", None])
def test_a_device_that_waits_for_pictures_is_said(clock, capsys, idle):
    out = shown(ProgressLines, capsys, clock, loop=Groups(clock), idle=idle)
    # In a line of its own too: an epoch may be shorter than what is between lines.
    assert out.count("GPU idle up to 50%: input") == (2 if idle else 0)


def test_a_wait_not_worth_a_word_is_not_said(clock, capsys):
    loop = Groups(clock)
    loop.take = lambda batch: setattr(loop, "waited", 0.09 * clock.now)
    assert "idle" not in shown(ProgressLines, capsys, clock, loop=loop, idle="GPU")


def test_a_terminal_has_one_line_that_changes(clock, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    out = shown(ProgressBar, capsys, clock, seconds=0.25)
    *states, last = out.removesuffix("\n").split("\r")
    assert last == "epoch 2/3  loss 0.5  val_loss 0.25"
    states = [state for state in states if state.strip()]
    assert [state.split(" ")[2] for state in states] == [
        f"[{'#' * done}{'.' * (20 - done)}]" for done in (7, 12, 17)
    ]
    assert {len(state) for state in states} == {59}
    assert "3/8  16 images/s  epoch en" in states[0]
