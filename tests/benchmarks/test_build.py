import sys
from statistics import median

import pytest
import tensorflow as tf

from scripts.benchmarks import build
from scripts.benchmarks.build import BuildMeasureOptions, Built, Round
from scripts.benchmarks.build_peers import PEERS
from scripts.benchmarks.process_memory import Usage
from tfrecords.errors import UserError


def built(pictures, wall, processor):
    usage = Usage(wall, processor, 2_000_000, (2_000_000,), "PSS")
    return Built(usage, pictures, 25_000 * pictures)


def rounds(*seconds):
    """Rounds of 100 pictures in 10 s (8 of processor time), and of 1100 in these."""
    return [Round(built(100, 10.0, 8.0), built(1100, *each)) for each in seconds]


def measured(pillow=((35.0, 33.0), (30.0, 28.0))):
    return {
        "alexnet-1": rounds((30.0, 28.0), (20.0, 18.0)),
        "alexnet-2": rounds((20.0, 28.0), (14.0, 18.0)),
        "pillow": rounds(*pillow),
        "tfds-resized": rounds((60.0, 58.0), (60.0, 58.0)),
        "tfds-copied": rounds((12.0, 9.0), (12.0, 9.0)),
    }


def test_rates_of_the_whole_and_of_each_further_picture():
    found = Round(built(100, 10.0, 8.0), built(1100, 20.0, 13.0))
    assert (found.rate, found.core_rate) == (55.0, 1100 / 13)
    assert (found.working_rate, found.working_core_rate) == (100.0, 200.0)


def test_ratios_are_medians_of_ratios_within_a_round():
    found = {figure.name: figure for figure in build.figures_of(measured())}
    assert list(found)[:5] == ["alexnet-1", "alexnet-2", *PEERS]
    assert found["alexnet-2 over alexnet-1"].value == median([20 / 10, 10 / 4])
    assert "1.46 x for the whole" in found["alexnet-2 over alexnet-1"].beside
    pillow = found["alexnet-1 over pillow, per core"]
    assert pillow.value == median([25 / 20, 20 / 10])
    copied = found["alexnet-1 over tfds-copied, per core"]
    assert copied.beside.endswith(
        f"{median([9 / 28, 9 / 18]):.2f} x for the whole command"
    )
    assert found["alexnet-1"].value == median([1100 / 30, 1100 / 20])
    assert found["alexnet-1"].beside == (
        "working 75, per core-second 75; 25.0 s, processor 23.0 s, peak 2 MB, "
        "25.0 kB a picture"
    )


def test_rates_that_are_noise_are_unknown_and_the_rest_is_told():
    noisy = measured(pillow=((9.0, 9.0), (30.0, 28.0)))
    found = {figure.name: figure for figure in build.figures_of(noisy)}
    assert found["alexnet-2 over alexnet-1"].value == 2.25
    assert noisy["pillow"][0].working_rate is None
    assert found["pillow"].beside.startswith("working unknown, per core-second 525")
    assert found["alexnet-1 over pillow, per core"].value == pytest.approx(1.025)


def test_records_are_counted_by_their_lengths(tmp_path):
    path = tmp_path / "records"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for length in (0, 1, 5000):
            writer.write(bytes(length))
    assert build.count_records(path) == 3


def test_too_few_pictures_are_refused(tmp_path):
    options = BuildMeasureOptions("digits", tmp_path / "out", limit=20)
    with pytest.raises(UserError, match="Expected at least 256 pictures, digits"):
        build.measure(options)
    assert list((tmp_path / "out").iterdir()) == []


# Writes a record of one byte for each picture, or for all but --skip of them.
FAKE = """
import struct, sys
from pathlib import Path
skip, tree, out = int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
out.mkdir()
pictures = list(tree.glob("*/*"))[skip:]
(out / "x.tfrecord").write_bytes((struct.pack("<Q", 1) + b"CRC.xCRC.") * len(pictures))
"""


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Let all systems be a program that starts fast; say how many it skips."""
    (tmp_path / "fake.py").write_text(FAKE)

    def use(skip):
        command = [sys.executable, str(tmp_path / "fake.py"), str(skip)]
        names = ["alexnet-1", "alexnet-2", *PEERS]
        everyone = dict.fromkeys(names, command)
        monkeypatch.setattr(build, "systems", lambda _: everyone)

    return use


def test_a_whole_measurement(tmp_path, fake):
    fake(skip=0)
    options = BuildMeasureOptions(
        "digits", tmp_path / "out", limit=300, pixels=400, rounds=2, memory_pictures=40
    )
    found = build.measure(options)
    assert found.notes[0].startswith("300 pictures of 10 classes, 400 pixels and ")
    names = [figure.name for figure in found.figures]
    assert names[:5] == ["alexnet-1", "alexnet-2", *PEERS]
    assert names[-2:] == [f"memory, {n} pictures, 2 processes" for n in (40, 400)]
    assert found.figures[4].beside.endswith(f"{17 / 1e3:.1f} kB a picture")
    assert str(tmp_path) not in str(found.options)
    assert list((tmp_path / "out").iterdir()) == []


def test_who_leaves_pictures_out_is_not_measured(tmp_path, fake):
    fake(skip=1)
    options = BuildMeasureOptions("digits", tmp_path / "out", limit=256)
    with pytest.raises(RuntimeError, match="wrote 127 records of 128 pictures"):
        build.measure(options)


@pytest.mark.slow
def test_everything_is_measured(tmp_path, run_script):
    options = ("--rounds", 1, "--memory-factor", 2)
    found = run_script(build, "digits", tmp_path / "out", *options)
    assert found.command.startswith("python scripts/benchmarks/build.py digits out")
    assert found.figures[-1].name == "memory, 3,594 pictures, 2 processes"
    assert all(figure.value for figure in found.figures if "over" not in figure.name)
