import pytest

from scripts.benchmarks import scaling
from scripts.benchmarks.process_memory import Usage

BUILDS = ["build, pictures 20", "build, pictures 40", "build, shards 2"]
BUILDS += ["build, shards 3", "build, processes 1", "build, processes 2"]


@pytest.mark.slow
def test_one_thing_grows_at_a_time(settings, monkeypatch, tmp_path):
    commands = []

    def run(command, log):
        commands.append(command)
        (tmp_path / "built").mkdir()
        return Usage(8.0, 1.0, 5_000_000, (5_000_000,))

    grown = {"pictures": (1, 2), "shards": (2, 3), "processes": (1, 2)}
    monkeypatch.setattr(scaling, "GROWN", grown)
    monkeypatch.setattr(scaling, "measure_command", run)
    monkeypatch.setattr(scaling, "BATCH_SIZES", ())
    monkeypatch.setattr(scaling, "CLASSES", (3,))
    found = list(scaling.figures(settings("scaling", pictures=20, rounds=1)))
    names = ["training step, classes 3", *BUILDS]
    assert [figure.name for figure in found] == names
    assert found[0].value > 0 and found[2].value == 8.0
    assert found[2].beside == "200.00 ms an image, peak 5 MB"
    assert {"--shards=3", "--processes=1"} < {*commands[3]}
