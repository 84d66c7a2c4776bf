import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.tfrecords.building.conftest import (
    ALL_SHARDS,
    build,
    contents,
    results,
    shards,
)
from tfrecords.building import finished_shards


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-300]),
        lambda path: path.write_bytes(b"not a zip" * 100),
        lambda path: np.savez(path, document=np.zeros(3, np.uint8)),
        lambda path: shutil.copy(results(path.parents[1])[1], path),
    ],
    ids=["empty", "cut", "garbage", "other fields", "of another shard"],
)
def test_a_damaged_result_is_not_trusted(odd_tree, whole, stopped, written, damage):
    damage(results(stopped)[0])
    build(odd_tree, stopped)
    assert len(written) == 1
    assert contents(stopped) == whole


@pytest.mark.parametrize(
    "damage",
    [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:-1])],
    ids=["gone", "shorter"],
)
def test_a_result_without_its_shard_is_not_trusted(
    odd_tree, whole, stopped, written, damage
):
    damage(stopped / shards(stopped)[4])
    build(odd_tree, stopped)
    assert len(written) == 1
    assert contents(stopped) == whole


def test_shards_of_another_picture_library_are_written_again(
    odd_tree, whole, stopped, written, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(
            "tfrecords.building.shard_result.codec_versions", lambda: {"pillow": "9"}
        )
        with monkeypatch.context() as inner:
            inner.setattr(finished_shards.FinishedShards, "commit", None)
            with pytest.raises(TypeError):
                build(odd_tree, stopped)
        assert len(written) == ALL_SHARDS
    build(odd_tree, stopped)
    assert len(written) == 2 * ALL_SHARDS
    assert contents(stopped) == whole
