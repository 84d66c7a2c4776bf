"""Names and plans of devices; networks on two of them are in test_network."""

import contextlib
from types import SimpleNamespace

import pytest
import tensorflow as tf

from keras_alexnet.towers import devices
from keras_alexnet.towers.devices import (
    check_device,
    device_scope,
    planned_places,
    short_name,
    tower_devices,
)
from tfrecords.errors import UserError


@pytest.fixture
def four_devices(monkeypatch):
    """Let this process have four."""
    found = [tf.config.LogicalDevice(f"/device:CPU:{n}", "CPU") for n in range(4)]
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda: found)


@pytest.mark.parametrize(
    "name", ["GPU:1", "/device:GPU:1", "/job:worker/replica:0/task:3/device:GPU:1"]
)
def test_a_short_name_has_neither_job_nor_task(name):
    assert short_name(name) == "GPU:1"


@pytest.mark.parametrize("name", ["CPU:3", "cpu:3", "/device:CPU:3"])
def test_any_form_of_a_name_is_taken(four_devices, name):
    assert check_device(name) == "/device:CPU:3"


@pytest.mark.parametrize("name", ["CPU:4", "GPU:0", "elsewhere", ""])
def test_a_device_that_is_not_there_is_named_beside_those_that_are(four_devices, name):
    with pytest.raises(UserError, match=f"one of CPU:0, CPU:1, .*{name!r}"):
        check_device(name)


def test_the_plan_gives_each_tower_its_device_in_every_replica(four_devices):
    assert planned_places(0) == ()
    with tower_devices(["CPU:3", "CPU:2", "CPU:1", "CPU:0"]):
        assert planned_places(0) == ("/device:CPU:3", "/device:CPU:1")
        assert planned_places(1) == ("/device:CPU:2", "/device:CPU:0")
        with tower_devices(None):
            assert planned_places(1) == ()
        assert len(planned_places(1)) == 2
    assert planned_places(1) == ()


def test_the_plan_ends_with_its_block_even_after_an_error(four_devices):
    with pytest.raises(KeyError), tower_devices(("CPU:0", "CPU:1")):
        raise KeyError
    assert planned_places(0) == ()


def test_a_device_too_many_is_refused(four_devices):
    with pytest.raises(UserError, match=r"two devices a replica.*'CPU:2'\)"):
        with tower_devices(("CPU:0", "CPU:1", "CPU:2")):
            raise AssertionError("it must not come so far")


def test_without_a_plan_there_is_no_scope():
    assert isinstance(device_scope(()), contextlib.nullcontext)
    with tf.Graph().as_default(), device_scope(("/device:CPU:7",)):
        assert tf.zeros(1).op.device.endswith("CPU:7")


@pytest.mark.parametrize(
    ("replica", "place"), [(0, "CPU:0"), (1, "CPU:2"), (3, "CPU:2")]
)
def test_a_replica_takes_its_own_place(monkeypatch, replica, place):
    """Of two replicas in each process; the fourth of all is the second here."""
    strategy = SimpleNamespace(extended=SimpleNamespace(worker_devices=("a", "b")))
    context = SimpleNamespace(
        replica_id_in_sync_group=tf.constant(replica), strategy=strategy
    )
    monkeypatch.setattr(tf.distribute, "get_replica_context", lambda: context)
    monkeypatch.setattr(tf.distribute, "has_strategy", lambda: True)
    assert devices._replica() == replica % 2
    with tf.Graph().as_default(), device_scope(("CPU:0", "CPU:2")):
        assert tf.zeros(1).op.device.endswith(place)
