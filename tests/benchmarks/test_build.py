import math
import sys
from statistics import median

import pytest
import tensorflow as tf

from scripts.benchmarks import build
from scripts.benchmarks.build import BuildMeasureOptions, Built, rate
from scripts.benchmarks.build_peers import PEERS
from scripts.benchmarks.process_memory import Usage
from tfrecords.errors import UserError


def built(pictures, wall, processor):
    usage = Usage(wall, processor, 2_000_000, (2_000_000,))
    return Built(usage, pictures, 25_000 * pictures)


def rounds(*seconds):
    """Rounds of 100 pictures in 10 s (8 of processor time), and of 1100 in these."""
    return [[built(100, 10.0, 8.0), built(1100, *each)] for each in seconds]


def measured(pillow):
    found = {
        "alexnet-1": rounds((30.0, 28.0), (20.0, 18.0)),
        "alexnet-2": rounds((20.0, 28.0), (14.0, 18.0)),
        "pillow": rounds(*pillow),
        "pillow-statistics": rounds(*pillow),
        "tfds-resized": rounds((60.0, 58.0), (60.0, 58.0)),
        "tfds-copied": rounds((12.0, 9.0), (12.0, 9.0)),
    }
    return {figure.name: figure.value for figure in build.figures_of(found)}


def test_ratios_are_medians_of_ratios_within_a_round():
    found = measured(pillow=[(35.0, 33.0), (30.0, 28.0)])
    assert found["alexnet-1: whole build"] == median([1100 / 30, 1100 / 20])
    assert found["alexnet-1: working"] == median([1000 / 20, 1000 / 10])
    assert found["alexnet-1: working, a core-second"] == median([50, 100])
    assert found["alexnet-1: peak memory"] == 2
    assert found["alexnet-2 over alexnet-1, working"] == median([20 / 10, 10 / 4])
    assert found["alexnet-2 over alexnet-1, whole build"] == pytest.approx(
        median([30 / 20, 20 / 14])
    )
    pillow = found["alexnet-1 over pillow, working, a core-second"]
    assert pillow == median([25 / 20, 20 / 10])
    copied = found["alexnet-1 over tfds-copied, whole build, a core-second"]
    assert copied == pytest.approx(median([9 / 28, 9 / 18]))


def test_rates_that_are_noise_are_unknown_and_the_rest_is_told():
    (noisy,) = rounds((9.0, 9.0))
    assert math.isnan(rate(*noisy, True, "wall_seconds"))
    found = measured(pillow=[(9.0, 9.0), (30.0, 28.0)])
    assert found["pillow: working"] is None
    assert found["pillow: working, a core-second"] == 525
    ratio = found["alexnet-1 over pillow, working, a core-second"]
    assert ratio == pytest.approx(1.025)


# Writes so many copies of a record, one for each picture but those that it skips.
FAKE = """
import sys
from pathlib import Path
record, skip, tree, out = sys.argv[1:]
Path(out).mkdir()
count = len(list(Path(tree).glob("*/*"))) - int(skip)
Path(out, "x.tfrecord").write_bytes(Path(record).read_bytes() * count)
"""


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Measure a program in the place of all systems, which skips so many pictures."""

    record = tmp_path / "record"
    with tf.io.TFRecordWriter(str(record)) as writer:
        writer.write(b"x")

    def measure(skip, pictures, **options):
        command = [sys.executable, "-c", FAKE, str(record), str(skip)]
        names = ["alexnet-1", "alexnet-2", *PEERS]
        monkeypatch.setattr(build, "systems", lambda _: dict.fromkeys(names, command))
        out = tmp_path / "out"
        try:
            options = BuildMeasureOptions("digits", out, limit=pictures, **options)
            return build.measure(options)
        finally:
            assert list(out.iterdir()) == []

    return measure


def test_a_whole_measurement(fake):
    found = fake(0, 300, pixels=400, rounds=1, memory_pictures=40)
    assert found.notes[0].startswith("300 pictures of 10 classes, 400 pixels and ")
    names = [figure.name for figure in found.figures]
    assert names[-2:] == [f"memory, {n} pictures, 2 processes" for n in (40, 400)]
    stored = {figure.name: figure.beside for figure in found.figures}
    assert stored["pillow: peak memory"] == f"{17 / 1e3:.1f} kB a picture stored"


def test_what_cannot_be_measured_is_an_error(fake):
    with pytest.raises(RuntimeError, match="wrote 127 records of 128 pictures"):
        fake(1, 256)
    with pytest.raises(UserError, match="Expected at least 256 pictures, digits"):
        fake(0, 20)


@pytest.mark.slow
def test_everything_is_measured(tmp_path, run_script):
    options = ("--rounds", 1, "--limit", 300, "--memory-pictures", 30)
    found = run_script(build, "digits", tmp_path / "out", *options)
    assert found.command.startswith("python scripts/benchmarks/build.py digits out")
    assert found.figures[-1].name == "memory, 300 pictures, 2 processes"
    assert all(figure.value for figure in found.figures if "work" not in figure.name)
