import errno
import threading

import pytest

from keras_alexnet.training.state.background import CheckpointWriter

FULL = OSError(errno.ENOSPC, "No space left on device")


def fail():
    raise FULL


def test_a_job_runs_while_the_caller_goes_on():
    writer = CheckpointWriter()
    go, done = threading.Event(), []
    writer.submit(lambda: done.append(go.wait(30)))
    assert done == []
    go.set()
    writer.wait()
    assert done == [True]


def test_one_job_at_a_time_in_their_order():
    writer = CheckpointWriter()
    go, log = threading.Event(), []

    def first():
        log.append("first begins")
        go.wait(30)
        log.append("first ends")

    writer.submit(first)
    second = threading.Thread(target=writer.submit, args=(lambda: log.append("2nd"),))
    second.start()
    assert "2nd" not in log
    go.set()
    second.join()
    writer.wait()
    assert log == ["first begins", "first ends", "2nd"]


def test_each_failure_of_the_disk_warns_once_and_the_next_success_clears_it():
    warnings = []
    writer = CheckpointWriter(warnings.append)
    for count in (1, 2):
        writer.submit(fail)
        writer.wait()
        assert writer.error is FULL
        assert len(warnings) == count
    assert "No space left on device" in warnings[0] and "next save" in warnings[0]
    writer.submit(lambda: None)
    writer.wait()
    assert writer.error is None and len(warnings) == 2


def test_other_errors_are_raised_in_the_training_thread():
    writer = CheckpointWriter()
    writer.submit(lambda: {}["missing"])
    with pytest.raises(KeyError, match="missing"):
        writer.wait()
    writer.wait()


def test_warnings_go_to_standard_error(capsys):
    writer = CheckpointWriter()
    writer.submit(fail)
    writer.wait()
    assert capsys.readouterr().err.startswith("Warning: The state of the training")
