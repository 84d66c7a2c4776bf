"""Memory of devices, with stand-ins for GPUs: not run on a GPU."""

import subprocess
import sys
from types import SimpleNamespace

import pytest
import tensorflow as tf

from keras_alexnet import device_memory
from keras_alexnet.device_memory import (
    device_bytes,
    exhausted_device,
    grow_gpu_memory,
    limit_gpu_memory,
    memory_explained,
    memory_text,
)
from keras_alexnet.machine import memory_bytes
from tests.source_tree import ROOT
from tests.tools import logical_devices
from tfrecords.errors import UserError

MEBIBYTE = 2**20
# What tf.zeros([2**45]) says, after trying for ten seconds.
ON_CPU = (
    "{{function_node __wrapped__Fill_device_/job:localhost/replica:0/task:0/device:CPU:"
    "0}} OOM when allocating tensor with shape[35184372088832] and type float on "
    "/job:localhost/replica:0/task:0/device:CPU:0 by allocator mklcpu [Op:Fill] name: "
)
ORDER = """
from types import SimpleNamespace
from tensorflow.python.eager import context
from keras_alexnet import cli
gpu, calls = SimpleNamespace(device_type="GPU"), []
own = tf.config.list_physical_devices
def physical(kind=None):
    return [gpu] if kind == "GPU" else own(kind)
def growth(device):
    return True if calls else None
def grow(device, enable):
    calls.append([device is gpu, enable, context.context()._context_handle is None])
tf.config.list_physical_devices = physical
tf.config.get_logical_device_configuration = lambda device: None
tf.config.experimental.get_memory_growth = growth
tf.config.experimental.set_memory_growth = grow
# Refused, after the verb has settled the memory and asked for the devices.
assert cli.main(["devices", "--devices", "CPU:0,CPU:7"]) == 1
result = [calls, context.context()._context_handle is not None]
"""


@pytest.fixture
def gpus(monkeypatch):
    """Let this machine have GPUs; give what was set of each."""

    def pretend(count=2, growth=None, parts=None, started=False):
        cards = [SimpleNamespace(growth=growth, parts=parts) for _ in range(count)]

        def change(name):
            def changed(card, value):
                if started:
                    raise RuntimeError("cannot be modified after being initialized")
                setattr(card, name, value)

            return changed

        for place, name, function in (
            (tf.config, "list_physical_devices", lambda kind=None: cards),
            (tf.config, "get_visible_devices", lambda kind=None: cards),
            (tf.config, "get_logical_device_configuration", lambda card: card.parts),
            (tf.config, "set_logical_device_configuration", change("parts")),
            (tf.config.experimental, "get_memory_growth", lambda card: card.growth),
            (tf.config.experimental, "set_memory_growth", change("growth")),
        ):
            monkeypatch.setattr(place, name, function)
        return cards

    return pretend


def test_the_memory_of_every_gpu_grows(gpus):
    cards = gpus(2)
    grow_gpu_memory()
    grow_gpu_memory()
    assert [card.growth for card in cards] == [True, True]
    gpus(0)
    grow_gpu_memory()


@pytest.mark.parametrize("own", [{"growth": False}, {"parts": ["part"]}])
def test_what_a_program_has_settled_itself_stays(gpus, own):
    (card,) = gpus(1, **own)
    grow_gpu_memory()
    assert card.growth is own.get("growth")


def test_devices_that_have_started_stay_as_they_are(gpus):
    (card,) = gpus(1, started=True)
    grow_gpu_memory()
    assert card.growth is None


def test_growth_is_set_before_the_devices_start():
    calls, started = logical_devices.run(ORDER)
    assert calls == [[True, True, True]] and started


def test_a_limit_is_the_one_part_of_each_gpu_in_mebibytes(gpus):
    cards = gpus(2)
    grow_gpu_memory()  # as every verb does first
    limit_gpu_memory(14.7)
    for card in cards:
        (part,) = card.parts
        assert 0 <= 14.7e9 - part.memory_limit * MEBIBYTE < MEBIBYTE


def test_a_limit_without_a_gpu_or_too_late_is_refused(gpus):
    gpus(0)
    with pytest.raises(UserError, match="a GPU for --memory-limit 4, .*none"):
        limit_gpu_memory(4)
    gpus(1, started=True)
    with pytest.raises(UserError, match="--memory-limit 4 before TensorFlow uses"):
        limit_gpu_memory(4.0)


def test_a_cpu_has_the_memory_of_the_machine_or_its_part(monkeypatch):
    parts = len(tf.config.list_logical_devices("CPU"))
    assert device_bytes("CPU:0") == memory_bytes() // parts
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: [0, 1, 2, 3])
    assert device_bytes("CPU:3") == memory_bytes() // 4


def test_a_gpu_has_what_tensorflow_says_or_nobody_knows(monkeypatch):
    assert device_memory._limits()["CPU:0"] > 0  # TensorFlow's own list is read
    monkeypatch.setattr(device_memory, "_limits", lambda: {"GPU:1": 10**10})
    assert device_bytes("GPU:1") == 10**10 == device_bytes("/job:worker/device:GPU:1")
    assert device_bytes("GPU:0") is None


def test_it_may_be_the_first_use_of_tensorflow():
    """As in `train` on a GPU, which asks before anything has started the devices."""
    code = "from keras_alexnet.device_memory import device_bytes as asked"
    command = [sys.executable, "-c", f"{code}; print(asked('GPU:7'))"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "None\n", done.stderr


@pytest.mark.parametrize(
    ("text", "device"),
    [
        (ON_CPU, "CPU:0"),
        (
            "Graph execution error:\nDetected at node x/device:CPU:0 defined at\nOOM "
            "when allocating tensor with shape[1024,96,55,55] and type float on "
            "/job:worker/replica:0/task:1/device:GPU:3 by allocator GPU_3_bfc",
            "GPU:3",
        ),
        ("Out of memory while trying to allocate 7 bytes.", ""),  # XLA
        ("failed to allocate memory", ""),
        ("data.tfrecord; No space left on device", None),
        ("data.tfrecord; Too many open files", None),
    ],
)
def test_other_things_than_memory_may_be_exhausted(text, device):
    error = tf.errors.ResourceExhaustedError(None, None, text)
    assert exhausted_device(error) == device
    assert exhausted_device(ValueError(text)) is None


def test_only_the_end_of_memory_is_explained():
    def explain(device, available):
        return f"{device} has {available}"

    said = f"CPU:0 has {device_bytes('CPU:0')}"
    with pytest.raises(UserError, match=said), memory_explained("GPU:7", explain):
        raise tf.errors.ResourceExhaustedError(None, None, ON_CPU)
    with pytest.raises(KeyError), memory_explained("GPU:7", explain):
        raise KeyError
    error = tf.errors.ResourceExhaustedError(None, None, "Out of memory")
    with pytest.raises(UserError, match="GPU:7 has None"):
        with memory_explained("GPU:7", explain):
            raise error


def test_memory_is_said_in_gigabytes():
    assert memory_text("GPU:0", 14_650_000_000) == "the 14.7 GB of GPU:0"
    assert memory_text("GPU:0", None) == "the memory of GPU:0"
