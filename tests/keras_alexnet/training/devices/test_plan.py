import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import tfrecords
from keras_alexnet.training.devices import plan
from keras_alexnet.training.devices.plan import DevicePlan, plan_devices
from tests import small
from tests.reference import UNIT, training_bound
from tests.tools import logical_devices, strategies
from tfrecords import Manifest
from tfrecords.errors import UserError

ROOT = Path(__file__).parents[4]
LAUNCH = ["-m", "keras_alexnet", "launch", 2]
PICTURES = 37  # of the validation split: no multiple of anything

REPLICAS = {"mirrored x4": 4, "towers": 1}  # 2 in the others


@pytest.fixture(scope="module")
def odd_dataset(tmp_path_factory):
    """111 pictures to train on and 37 to watch, each split in two shards.

    To train on there are 49 of the first class, 37 and 25 of the others.
    """
    root = tmp_path_factory.mktemp("odd")
    train = small.write_tree(root / "tree" / "train", 49)
    for name, kept in zip(small.CLASSES, (49, 37, 25), strict=True):
        for path in sorted((train / name).iterdir())[kept:]:
            path.unlink()
    small.write_tree(root / "tree" / "val", 13)
    for name in small.CLASSES[:2]:
        (root / "tree" / "val" / name / "012.jpg").unlink()
    data = root / "data"
    options = {"shards": 2, "processes": 1, "progress": False}
    tfrecords.build(root / "tree", data, name="odd", size=small.STORED, **options)
    assert Manifest.load(data).count("validation") == PICTURES
    return data


@pytest.fixture(scope="module")
def one_device(tmp_path_factory, odd_dataset):
    """What one device comes to, without a strategy."""
    out = tmp_path_factory.mktemp("one")
    small.train_dropouts(odd_dataset, out)
    return out


def start(command):
    """Run a command that uses TensorFlow; show what it said if it fails."""
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=1500,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def assert_equal_to(one_device, out, name):
    """Weights, counters and figures of all runs are those of one device."""
    limit = training_bound("float32", small.TERMS, steps=111 // 8)
    for dropout in small.DROPOUTS:
        weights = f"{dropout}.npz"
        gaps = strategies.distances(one_device / weights, out / weights)
        assert max(gaps.values()) < limit
        expected, found = (
            json.loads((folder / f"{dropout}.json").read_text())
            for folder in (one_device, out)
        )
        assert found["replicas"] == REPLICAS.get(name, 2)
        assert found["counts"] == {n: PICTURES for n in ("loss", "error", "top5_error")}
        assert expected["counts"] == found["counts"]
        (row,), (own,) = expected["history"], found["history"]
        for figure in ("error", "val_error", "val_top5_error"):
            assert row[figure] == pytest.approx(own[figure], abs=UNIT["float32"])
        for figure in ("loss", "val_loss"):
            assert row[figure] == pytest.approx(own[figure], rel=limit)


def test_runs_that_differ_are_told_apart(one_device):
    # Or the equality below would prove nothing.
    first, second = (one_device / f"{name}.npz" for name in ("None", "original"))
    with np.load(first) as a, np.load(second) as b:
        fc7 = [arrays["model/fc7/kernel"] for arrays in (a, b)]
    assert np.abs(fc7[0] - fc7[1]).max() / np.abs(fc7[0]).max() > 1e-3


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name == "mirrored x2" else pytest.mark.slow)
        for name in list(strategies.STRATEGIES)[1:]
    ],
)
def test_every_strategy_trains_as_one_device(name, odd_dataset, one_device, tmp_path):
    strategies.start(odd_dataset, tmp_path, name)
    assert_equal_to(one_device, tmp_path, name)


@pytest.mark.slow
def test_the_command_trains_two_workers_from_one_shard(tmp_path):
    tree = small.write_tree(tmp_path / "tree", 16)
    data = tmp_path / "data"
    build = ["-m", "keras_alexnet", "build", tree, data, "--size", small.STORED]
    start([*build, "--shards", 1, "--validation-fraction", 0.25])
    assert len(Manifest.load(data).splits["train"]) == 1
    run = tmp_path / "run"
    options = ["--input-size", small.INPUT, "--batch-size", 8, "--epochs", 1]
    train = ["train", data, run, "--strategy", "multiworker", *options]
    start([*LAUNCH, "--logs", tmp_path / "logs", "--", *train])
    assert (run / "network.keras").exists()
    assert "epoch 1/1" in (tmp_path / "logs" / "worker-0.log").read_text()
    assert "epoch 1/1" not in (tmp_path / "logs" / "worker-1.log").read_text()


def test_one_device_is_the_default():
    plan = plan_devices()
    assert plan == DevicePlan() and plan.replicas == 1 and plan.is_chief


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"name": "none", "towers": True}, ValueError, "--strategy towers"),
        ({"name": "towers", "towers": True}, ValueError, "--strategy towers"),
        ({"name": "none", "devices": ["GPU:0"]}, ValueError, "got GPU:0"),
        ({"name": "mirrored"}, UserError, "Expected GPUs .*got 0.*CPU:0"),
        ({"name": "towers"}, UserError, "two devices .*got 0"),
        ({"name": "towers", "devices": ["CPU:0"]}, UserError, "two devices.*got 1"),
        ({"name": "mirrored", "devices": ["GPU:7"]}, ValueError, "GPU:7"),
        (
            {"name": "mirrored", "devices": ["CPU:0"] * 2},
            ValueError,
            "each device once",
        ),
        (
            {"name": "mirrored", "towers": True, "devices": ["CPU:0"]},
            UserError,
            "pairs of devices",
        ),
        ({"name": "mirrored", "logical_devices": 0}, ValueError, "1 or more.*got 0"),
        ({"name": "multiworker"}, UserError, "TF_CONFIG.*alexnet launch"),
    ],
)
def test_plans_that_cannot_be_are_refused(options, error, message, monkeypatch):
    cpu = tf.config.LogicalDevice("/device:CPU:0", "CPU")
    monkeypatch.setattr(
        tf.config, "list_logical_devices", lambda kind="CPU": [cpu][: kind == "CPU"]
    )
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(error, match=message):
        plan_devices(**options)


def test_memory_is_settled_before_the_devices_are_asked_for(monkeypatch):
    cpu = tf.config.LogicalDevice("/device:CPU:0", "CPU")
    calls = []

    def devices(kind="CPU"):
        calls.append("devices")
        return [cpu][: kind == "CPU"]

    monkeypatch.setattr(tf.config, "list_logical_devices", devices)
    monkeypatch.setattr(plan, "grow_gpu_memory", lambda: calls.append("grow"))
    monkeypatch.setattr(plan, "limit_gpu_memory", calls.append)
    for name in ("towers", "mirrored"):
        for limit, expected in ((None, ["grow"]), (4.0, ["grow", 4.0])):
            calls.clear()
            with pytest.raises(UserError, match="got 0"):
                plan_devices(name, memory_limit=limit)
            assert calls[: len(expected) + 1] == [*expected, "devices"]
    calls.clear()
    plan_devices(memory_limit=4.0)
    assert calls == ["grow", 4.0]


def test_a_limit_on_gpus_that_are_not_used_is_refused():
    with pytest.raises(UserError, match="GPUs in --devices .*got CPU:0,CPU:1"):
        plan_devices("towers", devices=["CPU:0", "CPU:1"], memory_limit=4)


def test_parts_of_a_cpu_do_not_stop_the_growth_of_gpus(monkeypatch):
    monkeypatch.setenv("TF_FORCE_GPU_ALLOW_GROWTH", "")  # to be put back
    monkeypatch.delenv("TF_FORCE_GPU_ALLOW_GROWTH")
    monkeypatch.setattr(tf.config, "set_logical_device_configuration", lambda *_: None)
    plan_devices(logical_devices=2)
    assert os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"
    monkeypatch.setenv("TF_FORCE_GPU_ALLOW_GROWTH", "false")
    plan_devices(logical_devices=2)
    assert os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] == "false"


def test_a_batch_that_does_not_divide_is_refused(monkeypatch):
    monkeypatch.setattr(plan.DevicePlan, "replicas", 3)
    DevicePlan().check_batch(9)
    with pytest.raises(ValueError, match="the 3 replicas, got 128.*126 or 129"):
        DevicePlan().check_batch(128)


OF_A_GPU = """
import dataclasses, pathlib, tempfile
from keras_alexnet.training.devices.plan import DevicePlan
from keras_alexnet.training.state import model_state
from tests import small

@dataclasses.dataclass(frozen=True)
class Plan(DevicePlan):
    devices = ("CPU:1",)
    on_gpus = True  # a stand-in

ends, folder = [], pathlib.Path(tempfile.mkdtemp())
for plan, device in ((None, None), (Plan(), "CPU:1")):
    with tf.device(device):
        run = folder / str(device)
        end = small.train(pathlib.Path({data!r}), run, plan, epochs=2, xla=False)
    for row in end.history:
        del row["seconds"]
    ends.append((model_state.capture(end.model), end.history))
    loop = end.model.step_loop
(plain, history), (found, other) = ends
same = [name for name in plain if np.array_equal(plain[name], found[name])]
whole = len(plain), len(same), history == other, loop.size, loop.waited > 0

def numbers():
    return tf.data.Dataset.range(4).batch(2)

once, again = (iter(Plan().distribute(numbers, again)) for again in (False, True))
placed = next(once).device
rest = [batch.numpy().tolist() for batch in once]
repeated = [next(again).numpy().tolist() for _ in range(5)]
result = whole, (placed, rest, repeated)
"""


def test_a_run_as_on_a_gpu_is_that_of_one_cpu(dataset):
    """Batches that wait on the device, steps in groups, validation again and again."""
    code = OF_A_GPU.format(data=str(dataset))
    whole, (placed, rest, repeated) = logical_devices.run(code)
    count, same, histories, size, waited = whole
    assert count == same and histories
    assert size == 8 and waited
    assert placed.endswith("CPU:1") and rest == [[2, 3]]
    assert repeated == [[0, 1], [2, 3], [0, 1], [2, 3], [0, 1]]
