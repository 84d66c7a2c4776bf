import subprocess

import pytest

from scripts.benchmarks import reading
from scripts.benchmarks.reading import ReadingOptions, measure
from tests.small import INPUT
from tfrecords import Manifest
from tfrecords.errors import UserError

OPTIONS = {"batch_size": 8, "input_size": INPUT, "processes": (1,)}


def test_a_process_reads_its_part_and_what_tells_where(dataset):
    record = measure(ReadingOptions(dataset, **OPTIONS))
    assert len(record.figures) == 4
    shards = Manifest.load(dataset).splits["train"]
    part = sum(shard.bytes for shard in shards) / 36 * 32  # of four batches
    beside = sum(
        p.stat().st_size for p in dataset.iterdir() if "tfrecord" not in p.name
    )
    read, until = (
        1e6 * record.value(f"process 1 of 1: {name}")
        for name in ("read", "read until the first batch")
    )
    # Pictures differ in size; libraries may still be read, manifest and sums are.
    assert 0.5 * part < read and beside / 4 < until <= read
    assert record.value("process 1 of 1: first batch after") > 0
    assert record.value("process 1 of 1: peak memory") > 100


def test_a_process_that_fails_is_told_by_its_last_line(dataset, monkeypatch):
    done = subprocess.CompletedProcess([], 1, "", "Traceback\nOSError: it is gone\n")
    monkeypatch.setattr(reading.subprocess, "run", lambda *command, **options: done)
    with pytest.raises(UserError, match="failed: OSError: it is gone"):
        measure(ReadingOptions(dataset, **OPTIONS))
