import pytest

from scripts.benchmarks.reading import ReadingOptions, measure
from tests.small import INPUT
from tfrecords import Manifest
from tfrecords.errors import UserError

OPTIONS = {"batch_size": 8, "input_size": INPUT, "processes": (2,)}


def test_a_process_reads_its_part_and_what_tells_where(dataset):
    record = measure(ReadingOptions(dataset, **OPTIONS))
    assert len(record.figures) == 2 * 4
    shards = Manifest.load(dataset).splits["train"]
    part = sum(shard.bytes for shard in shards) / 36 * 32 / 2  # of four batches
    beside = sum(
        p.stat().st_size for p in dataset.iterdir() if "tfrecord" not in p.name
    )
    for process in (1, 2):
        read = 1e6 * record.value(f"process {process} of 2: read")
        # Pictures differ in size; libraries may still be read, manifest and sums are.
        assert 0.5 * part < read
        assert record.value(f"process {process} of 2: first batch after") > 0
        assert record.value(f"process {process} of 2: peak memory") > 100
        until = 1e6 * record.value(
            f"process {process} of 2: read until the first batch"
        )
        assert beside / 4 < until <= read


def test_a_process_that_fails_is_told_by_its_last_line(dataset):
    with pytest.raises(UserError, match="at least 99999 pixels"):
        measure(ReadingOptions(dataset, **{**OPTIONS, "input_size": 99_999}))
