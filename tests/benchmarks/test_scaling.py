import os

import pytest

from scripts.benchmarks import scaling
from scripts.benchmarks.process_memory import Usage


def small_sizes(monkeypatch):
    monkeypatch.setattr(scaling, "CLASSES", (3, 10))
    monkeypatch.setattr(scaling, "COPIES", (1, 2))
    monkeypatch.setattr(scaling, "SHARDS", (2, 3))


WORKS = ["training step, batch size 2", "training step, batch size 4"]
WORKS += ["training step, classes 3", "training step, classes 10"]
WORKS += ["build, pictures 20", "build, pictures 40", "build, shards 2"]
WORKS += ["build, shards 3", "build, processes 1", "build, processes 2"]


def test_one_thing_grows_at_a_time(settings, monkeypatch):
    small_sizes(monkeypatch)

    def measured(command, log, variables=None):
        log.write_text('noise\n{"seconds": 3.0}\n{"seconds": 1.0}\n{"seconds": 2.0}\n')
        return Usage(8.0, 1.0, 5_000_000, (5_000_000,), "PSS")

    monkeypatch.setattr(scaling, "measure_command", measured)
    own = settings("scaling", batch_sizes=(2, 4), pictures=20)
    found = list(scaling.figures(own, lambda text: None))
    assert [figure.name for figure in found] == WORKS
    assert found[0].value == 2.0
    assert found[0].beside == "1,000.00 ms an image, peak 5 MB PSS"
    assert found[5].value == 8.0 and found[5].beside.startswith("200.00 ms an image")


@pytest.mark.slow
def test_scaling_is_measured(settings, monkeypatch):
    small_sizes(monkeypatch)
    monkeypatch.setenv("PYTHONPATH", os.getcwd())
    own = settings("scaling", batch_sizes=(2, 4), pictures=20, rounds=1)
    found = list(scaling.figures(own, lambda text: None))
    assert [figure.name for figure in found] == WORKS
    assert all(figure.value > 0 for figure in found)
