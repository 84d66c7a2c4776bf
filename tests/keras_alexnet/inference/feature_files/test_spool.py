import numpy as np
import pytest

from keras_alexnet.inference.feature_files.spool import Spool
from tfrecords.errors import UserError

SHAPES = {"fc7": (3,), "pool5": (1, 2, 2)}


def opened(folder, **identity):
    return Spool(folder / "spool", {"network": "00", **identity}, SHAPES, "float32")


def batch(first, rows):
    numbers = np.arange(first, first + rows, dtype=np.float32)
    return {
        "fc7": np.tile(numbers[:, None], (1, 3)),
        "pool5": np.tile(numbers[:, None, None, None], (1, 1, 2, 2)),
    }


def add(spool, first, rows, left_out=(), labels=()):
    paths = [f"{number}.jpg" for number in range(first, first + rows)]
    spool.add(batch(first, rows), paths, list(labels), list(left_out))


def contents(spool):
    table = spool.table({})
    (block,) = [arrays for _, arrays in table.blocks()]
    for name, array in batch(0, len(table.paths)).items():
        np.testing.assert_array_equal(block[name], array)
    return table


def test_finished_batches_are_there_for_the_next_process(tmp_path):
    with opened(tmp_path) as spool:
        assert spool.done == 0
        add(spool, 0, 2, [("bad.jpg", "empty")])
        add(spool, 2, 3)
    with opened(tmp_path) as spool:
        assert spool.done == 6
        add(spool, 5, 1)
        table = contents(spool)
        assert table.paths == [f"{number}.jpg" for number in range(6)]
        assert table.left_out == [("bad.jpg", "empty")] and table.labels is None
        spool.remove()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("line", [b"", b'{"paths": ["2.j'])
def test_what_a_killed_process_left_of_a_batch_is_cut_off(tmp_path, line):
    with opened(tmp_path) as spool:
        add(spool, 0, 2)
    with open(tmp_path / "spool" / "fc7.raw", "ab") as file:
        file.write(b"half a row")
    with open(tmp_path / "spool" / "batches.jsonl", "ab") as file:
        file.write(line)
    with opened(tmp_path) as spool:
        assert spool.done == 2
        add(spool, 2, 2)
    with opened(tmp_path) as spool:
        assert contents(spool).paths == [f"{number}.jpg" for number in range(4)]


def test_what_another_command_left_is_removed(tmp_path):
    with opened(tmp_path) as spool:
        add(spool, 7, 2)
    with opened(tmp_path, network="11") as spool:
        assert spool.done == 0
        add(spool, 0, 1, labels=[4])
        assert contents(spool).labels == [4]


def test_two_processes_do_not_write_the_same(tmp_path):
    with opened(tmp_path), pytest.raises(UserError, match="alone in .*give another"):
        opened(tmp_path)
    with opened(tmp_path) as spool:
        assert spool.done == 0
