import dataclasses

import pytest
import tensorflow as tf

from keras_alexnet.models.memory import NetworkMemory, training_memory
from keras_alexnet.presets import PRESETS
from keras_alexnet.training.devices.batch_limit import USABLE, BatchLimit
from keras_alexnet.training.devices.plan import ONE_DEVICE, DevicePlan
from tfrecords.errors import UserError

GIGABYTE = 10**9
# 1 GB, and 10 MB an image.
LIMIT = BatchLimit("net in float32", 1024, 1, NetworkMemory(GIGABYTE, 10**7))
TOWERS = ("GPU:0", "GPU:1")


@pytest.mark.parametrize(
    ("gigabytes", "replicas", "images", "batch"),
    [
        (10, 1, 700, 512),  # (0.8 x 10 - 1) / 0.01
        (10, 3, 2100, 3 * 256),  # less than 1024 / 3 on each
        (1.2625, 1, 1, 1),
        (1.25, 1, 0, 0),
        (0, 1, 0, 0),
        (100, 1, 7900, 512),  # 1024 did not fit, whatever the estimate says
    ],
)
def test_a_batch_that_fits_is_a_power_of_two_on_each_replica(
    gigabytes, replicas, images, batch
):
    limit = dataclasses.replace(LIMIT, replicas=replicas)
    assert USABLE == 0.8
    assert limit.images(gigabytes * GIGABYTE) == images
    assert limit.batch(gigabytes * GIGABYTE) == batch


def test_whatever_did_not_fit_a_smaller_one_is_advised():
    for size in range(2, 40):
        for replicas in (1, 2, 3):
            limit = dataclasses.replace(LIMIT, batch_size=size, replicas=replicas)
            for count in range(20):
                memory = (GIGABYTE + count * 10**7) / USABLE + 1
                batch = limit.batch(memory)
                assert batch < size and batch % replicas == 0
                assert batch <= max(count * replicas, 0)


@pytest.mark.parametrize(
    ("device", "gigabytes", "changes", "parts"),
    [
        (
            "GPU:0",
            10,
            {},
            [
                "A batch of 1024 does not fit in the 10.0 GB of GPU:0",
                "net in float32 takes 1.00 GB, and 10.0 MB an image",
                "About 700 would: --batch-size 512 in a new run",
                "--strategy mirrored",
            ],
        ),
        ("GPU:0", 10, {"replicas": 2}, ["1024, 512 on each replica,", "nvidia-smi"]),
        ("GPU:0", 100, {}, ["another program", "nvidia-smi", "--batch-size 512"]),
        ("CPU:0", 1, {}, ["Not one image fits", "1.0 GB of CPU:0"]),
        ("GPU:0", None, {}, ["the memory of GPU:0", "Try --batch-size 512"]),
    ],
)
def test_the_message_says_what_would_fit(device, gigabytes, changes, parts):
    available = None if gigabytes is None else gigabytes * GIGABYTE
    text = dataclasses.replace(LIMIT, **changes).explain(device, available)
    assert "\n" not in text
    for part in parts:
        assert part in text
    assert ("nvidia-smi" in text) <= (device == "GPU:0")


@pytest.mark.parametrize(("replicas", "least"), [(1, 0.4 * 11.24), (2, 0.4 * 6.12)])
def test_a_batch_that_surely_does_not_fit_is_refused_before_it_is_tried(
    replicas, least
):
    limit = dataclasses.replace(LIMIT, replicas=replicas)
    limit.check("GPU:0", None)  # whose memory TensorFlow does not say
    limit.check("GPU:0", round(1.001 * least * GIGABYTE))
    with pytest.raises(UserError, match="does not fit in the .* GB of GPU:0"):
        limit.check("GPU:0", round(0.999 * least * GIGABYTE))


def test_one_device_needs_what_the_network_does():
    preset = PRESETS["released"].replace(batch_size=512, precision="mixed_float16")
    limit = BatchLimit.of(preset, 10, ONE_DEVICE)
    memory = training_memory(preset, 10)
    assert limit == BatchLimit("released in mixed_float16", 512, 1, memory)


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_a_tower_needs_half_and_what_is_not_divided(precision):
    preset = PRESETS["released"].replace(precision=precision)
    whole = training_memory(preset)
    alone = BatchLimit.of(preset, 1000, DevicePlan(towers=TOWERS)).memory
    strategy = tf.distribute.OneDeviceStrategy("CPU:0")
    mirrored = BatchLimit.of(preset, 1000, DevicePlan(strategy, TOWERS)).memory
    logits = 4096 * 1000 + 1000
    assert alone.fixed == whole.fixed // 2 + 3 * 4 * logits // 2
    assert mirrored.fixed == whole.fixed  # weights are on the first device
    # Inputs of conv3, fc6 and fc7 whole on both, of fc8 half, there and back.
    item = 4 if precision == "float32" else 2
    exchanged = 2 * item * (13 * 13 * 256 + 6 * 6 * 256 + 4096 + 4096 // 2)
    picture = 224 * 224 * 3 * (1 + 4 + 4)
    assert alone.image == mirrored.image == whole.image // 2 + exchanged + picture
