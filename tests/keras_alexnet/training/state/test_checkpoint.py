import errno
import json
import shutil

import numpy as np
import pytest

from keras_alexnet.training.state import checkpoint as checkpoint_file
from keras_alexnet.training.state.checkpoint import (
    Checkpoint,
    list_checkpoints,
    newest_checkpoint,
    save_checkpoint,
)
from tfrecords.errors import UserError

STATE = {"history": [{"epoch": 1, "val_error": 0.25}], "plateau": {"best": 0.25}}


def arrays(seed=1):
    """Arrays of the kinds that a state has, scalars among them."""
    generator = np.random.default_rng(seed)
    return {
        "model/fc6/kernel": generator.normal(size=(4, 400)).astype(np.float32),
        "model/drop6/counter": np.array([5, seed], np.int64),
        "optimizer/iteration": np.array(seed, np.int64),
        "optimizer/learning_rate": np.array(0.0625, np.float32),
        "metrics/error/total": np.zeros((2, 0), np.float32),
    }


def assert_same(ours, other):
    assert set(ours) == set(other)
    for name, array in ours.items():
        assert array.dtype == other[name].dtype, name
        np.testing.assert_array_equal(array, other[name], err_msg=name, strict=True)


@pytest.fixture
def folder(tmp_path):
    """Checkpoints of two epochs."""
    for epoch in (1, 2):
        save_checkpoint(tmp_path, Checkpoint(epoch, 0, arrays(epoch), STATE), keep=5)
    return tmp_path


@pytest.mark.parametrize(
    ("step", "name"), [(0, "epoch-0007.npz"), (12, "epoch-0007-step-000012.npz")]
)
def test_everything_comes_back(tmp_path, step, name):
    saved = Checkpoint(7, step, arrays(), STATE)
    path = save_checkpoint(tmp_path, saved, keep=2)
    assert path == tmp_path / name
    back = newest_checkpoint(tmp_path)
    assert (back.epoch, back.step, back.state) == (7, step, STATE)
    assert_same(saved.arrays, back.arrays)


def test_numpy_reads_it(folder):
    with np.load(folder / "epoch-0002.npz") as file:
        assert set(file.files) == {*arrays(), "state.json", "sha256"}
        assert_same(arrays(2), {name: file[name] for name in arrays()})
        assert json.loads(file["state.json"].tobytes()) == STATE


def test_without_a_checkpoint_there_is_none(tmp_path):
    assert newest_checkpoint(tmp_path) is None


def test_the_newest_is_the_last_step_of_all_and_only_some_are_kept(tmp_path):
    places = [(9, 0), (9, 7), (9, 1_000_000), (10, 0), (9_999, 3), (10_000, 0)]
    for epoch, step in places:
        save_checkpoint(tmp_path, Checkpoint(epoch, step, arrays(), {}), keep=3)
    assert [path.name for path in list_checkpoints(tmp_path)] == [
        *("epoch-0010.npz", "epoch-9999-step-000003.npz", "epoch-10000.npz")
    ]
    assert len(list(tmp_path.iterdir())) == 3
    assert newest_checkpoint(tmp_path).epoch == 10_000


def test_other_files_are_no_checkpoints(folder):
    for name in (
        *("epoch-1.npz", "epoch-0003.npz.bak", ".epoch-0003.npz.tmp", "a.npz"),
        "epoch-0003-step-1.npz",
    ):
        shutil.copy(folder / "epoch-0001.npz", folder / name)
    assert newest_checkpoint(folder).epoch == 2


def test_what_a_killed_process_left_unfinished_goes(folder):
    (folder / ".epoch-0002-step-000003.npz.tmp").write_bytes(b"PK half of it")
    save_checkpoint(folder, Checkpoint(3, 0, arrays(), {}), keep=5)
    names = sorted(path.name for path in folder.iterdir())
    assert names == [f"epoch-000{epoch}.npz" for epoch in (1, 2, 3)]


def truncate(data):
    return data[: len(data) // 2]


def flip_a_weight(data):
    place = data.index(np.float32(0.0625).tobytes())  # the learning rate
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def shrink_an_array(data):
    # The zip's checksum is over the whole entry; the array says that it ends earlier.
    return data.replace(b"'shape': (4, 400)", b"'shape': (1, 400)", 1)


def compress_by_name(data):
    # An entry of the zip's directory claims to be compressed.
    place = data.index(b"PK\x01\x02") + 10
    return data[:place] + b"\x08" + data[place + 1 :]


def unknown_compression(data):
    place = data.index(b"PK\x01\x02") + 10
    return data[:place] + b"\x63" + data[place + 1 :]


def encrypt_by_name(data):
    place = data.index(b"PK\x01\x02") + 8
    return data[:place] + b"\x01" + data[place + 1 :]


def lose_the_state(data):
    return data.replace(b"state.json", b"slate.json")


def lose_the_checksum(data):
    return data.replace(b"sha256", b"sha255")


def exchange_names(data):
    """Every entry is whole, but two of them have each other's name."""
    first, second = b"optimizer/iteration", b"model/drop6/counter"
    kept = data.replace(first, b"\0" * len(first))
    return kept.replace(second, first).replace(b"\0" * len(first), second)


@pytest.mark.parametrize(
    "damage",
    [
        truncate,
        lose_the_state,
        lose_the_checksum,
        exchange_names,
        flip_a_weight,
        shrink_an_array,
        compress_by_name,
        unknown_compression,
        encrypt_by_name,
        lambda data: b"",
        lambda data: b"these are not the bytes of a checkpoint",
    ],
)
def test_a_damaged_newest_is_reported_and_the_one_before_is_taken(folder, damage):
    newest = folder / "epoch-0002.npz"
    damaged = damage(newest.read_bytes())
    assert damaged != newest.read_bytes()
    newest.write_bytes(damaged)
    warnings = []
    back = newest_checkpoint(folder, warnings.append)
    assert back.epoch == 1
    assert_same(back.arrays, arrays(1))
    assert len(warnings) == 1
    assert "epoch-0002.npz is damaged" in warnings[0]
    assert newest.read_bytes() == damaged


def test_a_change_that_the_zip_does_not_notice_is_noticed(folder):
    path = folder / "epoch-0002.npz"
    with np.load(path) as file:
        content = {name: file[name] for name in file.files}
    content["model/fc6/kernel"][3, 7] += 1
    np.savez(path, **content)
    warnings = []
    assert newest_checkpoint(folder, warnings.append).epoch == 1
    assert "checksum" in warnings[0]


def test_when_all_are_damaged_it_says_so(folder):
    for path in list_checkpoints(folder):
        path.write_bytes(truncate(path.read_bytes()))
    warnings = []
    with pytest.raises(UserError, match="found 2 damaged"):
        newest_checkpoint(folder, warnings.append)
    assert len(warnings) == 2


def test_one_of_an_older_version_is_called_so(tmp_path):
    np.savez(
        tmp_path / "epoch-0003.npz",
        **{"model/conv1/0/kernel": np.ones(2), "optimizer/000/iteration": np.ones(1)},
    )
    with pytest.raises(UserError, match="older version"):
        newest_checkpoint(tmp_path)


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_a_failure_while_writing_leaves_what_was_there(folder, monkeypatch, error):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def fail(file, arrays):
        file.write(b"PK half of it")
        raise error

    monkeypatch.setattr(checkpoint_file, "_write", fail)
    for epoch in (2, 3):
        with pytest.raises(type(error)):
            save_checkpoint(folder, Checkpoint(epoch, 0, arrays(3), {}), keep=1)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_the_old_ones_go_only_after_the_new_one_is_there(folder, monkeypatch):
    import tfrecords.files

    seen = []
    rename = tfrecords.files.os.replace

    def replace(source, target):
        seen.append([path.name for path in list_checkpoints(folder)])
        rename(source, target)

    monkeypatch.setattr(tfrecords.files.os, "replace", replace)
    save_checkpoint(folder, Checkpoint(3, 0, arrays(), {}), keep=1)
    assert seen == [["epoch-0001.npz", "epoch-0002.npz"]]
    assert [path.name for path in list_checkpoints(folder)] == ["epoch-0003.npz"]


def spoil(path, place=0.5):
    content = bytearray(path.read_bytes())
    content[int(len(content) * place)] ^= 1
    path.write_bytes(content)


def names(folder):
    return [path.name for path in list_checkpoints(folder)]


def test_a_damaged_checkpoint_does_not_push_out_a_good_one(folder):
    spoil(folder / "epoch-0002.npz")
    save_checkpoint(folder, Checkpoint(3, 0, arrays(3), STATE), keep=2)
    assert names(folder) == ["epoch-0001.npz", "epoch-0003.npz"]
    assert newest_checkpoint(folder).epoch == 3


@pytest.mark.parametrize("keep", [1, 2])
def test_one_of_a_later_place_does_not_either(folder, keep):
    """The newest was damaged, and the training goes on from the one before."""
    (folder / "epoch-0002.npz").write_bytes(b"")
    save_checkpoint(folder, Checkpoint(1, 5, arrays(3), STATE), keep=keep)
    kept = ["epoch-0001.npz", "epoch-0001-step-000005.npz"]
    assert names(folder) == kept[-keep:]
    assert newest_checkpoint(folder).step == 5
