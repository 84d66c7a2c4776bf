import pytest
import tensorflow as tf

from keras_alexnet.commands import devices
from scripts.benchmarks import gpu_towers


@pytest.fixture
def told(monkeypatch):
    """What the verb is told, and how devices were split."""
    told = []
    monkeypatch.setattr(devices, "main", lambda words: told.append([*words]) or 3)
    monkeypatch.setattr(
        tf.config,
        "set_logical_device_configuration",
        lambda gpu, parts: told.append((gpu, len(parts), parts[0].memory_limit)),
    )
    return told


def test_without_a_gpu_the_cpu_is_split(told):
    assert gpu_towers.main(["--json", "x"]) == 3
    (words,) = told
    assert words == [
        *("--devices", "CPU:0,CPU:1", "--logical-devices", "2", "--json", "x"),
    ]


def test_the_first_gpu_is_split_in_two(told, monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["g0", "g1"])
    assert gpu_towers.main(["--json", "x"]) == 3
    split, words = told
    assert split == ("g0", 2, gpu_towers.HALF_MEGABYTES)
    assert words == ["--devices", "GPU:0,GPU:1", "--json", "x"]
