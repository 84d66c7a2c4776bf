import errno
import shutil

import keras
import numpy as np
import pytest

from keras_alexnet.layers import OriginalDropout
from keras_alexnet.training.checkpoint import (
    list_checkpoints,
    restore_newest,
    save_checkpoint,
)
from keras_alexnet.training.optimizer import CoupledSGD
from tfrecords.errors import DatasetError

X = np.random.default_rng(1).normal(size=(8, 4)).astype(np.float32)
STATE = {"history": [{"epoch": 1, "val_error": 0.25}], "plateau": {"best": 0.25}}


def network(units=400, seed=1, scaled=False):
    """A small net with everything that a run's state has."""
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((4,))
    x = keras.layers.Dense(units, activation="relu", name="fc6")(inputs)
    x = OriginalDropout(0.5, seed=5, name="drop6")(x)
    model = keras.Model(inputs, keras.layers.Dense(1, name="fc8")(x))
    optimizer = CoupledSGD(0.0625)
    if scaled:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(model.trainable_variables)
    model.compile(optimizer, "mean_squared_error", jit_compile=False, run_eagerly=True)
    return model


def steps(model, count):
    for _ in range(count):
        model.train_on_batch(X, X[:, 0])
    return model


def everything(model):
    return [v.numpy() for v in [*model.variables, *model.optimizer.variables]]


def assert_same(model, other):
    for one, two in zip(everything(model), everything(other), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.fixture
def folder(tmp_path):
    """Checkpoints of two epochs; the weights of epoch 1 are those of two steps."""
    model = network()
    for epoch in (1, 2):
        steps(model, 2)
        save_checkpoint(tmp_path, epoch, model, {"epoch": epoch}, keep=5)
    return tmp_path


@pytest.mark.parametrize("scaled", [False, True])
def test_everything_comes_back_and_training_goes_on_the_same(tmp_path, scaled):
    model = steps(network(scaled=scaled), 3)
    model.optimizer.learning_rate = 0.03125
    path = save_checkpoint(tmp_path, 7, model, STATE, keep=2)
    assert path == tmp_path / "epoch-0007.npz"
    other = network(seed=2, scaled=scaled)
    assert restore_newest(tmp_path, other) == STATE
    assert_same(model, other)
    assert int(other.optimizer.iterations) == 3
    assert float(other.optimizer.learning_rate) == 0.03125
    assert_same(steps(model, 2), steps(other, 2))


def test_velocities_and_dropout_counter_are_in_it(folder):
    other = network(seed=2)
    restore_newest(folder, other)
    assert all(np.any(v.numpy() != 0) for v in other.optimizer._velocities[:2])
    counter = other.get_layer("drop6").variables[0].numpy()
    np.testing.assert_array_equal(counter, [5, 4])


def test_without_a_checkpoint_there_is_no_state(tmp_path):
    model = network()
    before = everything(model)
    assert restore_newest(tmp_path, model) is None
    for one, two in zip(before, everything(model), strict=True):
        np.testing.assert_array_equal(one, two)


def test_the_newest_is_the_highest_epoch_and_only_some_are_kept(tmp_path):
    model = network()
    for epoch in (9, 10, 9_999, 10_000):
        save_checkpoint(tmp_path, epoch, model, {"epoch": epoch}, keep=2)
    assert [path.name for path in list_checkpoints(tmp_path)] == [
        *("epoch-9999.npz", "epoch-10000.npz")
    ]
    assert len(list(tmp_path.iterdir())) == 2
    assert restore_newest(tmp_path, model) == {"epoch": 10_000}


def test_other_files_are_no_checkpoints(folder):
    for name in ("epoch-1.npz", "epoch-0003.npz.bak", ".epoch-0003.npz.tmp", "a.npz"):
        shutil.copy(folder / "epoch-0001.npz", folder / name)
    assert restore_newest(folder, network()) == {"epoch": 2}


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


@pytest.mark.parametrize(
    "damage",
    [
        truncate,
        lose_the_state,
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
    model = network(seed=2)
    assert restore_newest(folder, model, warnings.append) == {"epoch": 1}
    assert_same(model, steps(network(), 2))
    assert len(warnings) == 1
    assert "epoch-0002.npz is damaged" in warnings[0]
    assert newest.read_bytes() == damaged


def test_when_all_are_damaged_it_says_so_and_changes_nothing(folder):
    for path in list_checkpoints(folder):
        path.write_bytes(truncate(path.read_bytes()))
    model = network(seed=2)
    before = everything(model)
    warnings = []
    with pytest.raises(DatasetError, match="found 2 damaged"):
        restore_newest(folder, model, warnings.append)
    assert len(warnings) == 2
    for one, two in zip(before, everything(model), strict=True):
        np.testing.assert_array_equal(one, two)


def test_another_network_is_refused_by_the_name_of_the_variable(folder):
    model = network(units=8)
    before = everything(model)
    with pytest.raises(DatasetError, match="another network") as error:
        restore_newest(folder, model)
    assert "model/fc6/0/kernel of shape (4, 8), found (4, 400)" in str(error.value)
    for one, two in zip(before, everything(model), strict=True):
        np.testing.assert_array_equal(one, two)


def test_another_optimizer_is_refused(folder):
    with pytest.raises(DatasetError, match="optimizer/"):
        restore_newest(folder, network(scaled=True))


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_a_failure_while_writing_leaves_what_was_there(folder, monkeypatch, error):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def fail(file, **arrays):
        file.write(b"PK half of it")
        raise error

    monkeypatch.setattr(np, "savez", fail)
    for epoch in (2, 3):
        with pytest.raises(type(error)):
            save_checkpoint(folder, epoch, network(seed=3), {}, keep=1)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_the_old_ones_go_only_after_the_new_one_is_there(folder, monkeypatch):
    import tfrecords.files

    seen = []
    rename = tfrecords.files.os.replace

    def replace(source, target):
        seen.append([path.name for path in list_checkpoints(folder)])
        rename(source, target)

    monkeypatch.setattr(tfrecords.files.os, "replace", replace)
    save_checkpoint(folder, 3, network(), {}, keep=1)
    assert seen == [["epoch-0001.npz", "epoch-0002.npz"]]
    assert [path.name for path in list_checkpoints(folder)] == ["epoch-0003.npz"]
