"""`alexnet devices` with two towers on the first GPU, split in two; else on the CPU."""

import sys
from collections.abc import Sequence

import tensorflow as tf

from keras_alexnet.commands import devices

HALF_MEGABYTES = 8192  # far more than half of the network needs


def main(arguments: Sequence[str]) -> int:
    """Do as the verb does with these options; return its exit status."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        split = ["--devices", "CPU:0,CPU:1", "--logical-devices", "2"]
        return devices.main([*split, *arguments])
    halves = [tf.config.LogicalDeviceConfiguration(HALF_MEGABYTES)] * 2
    tf.config.set_logical_device_configuration(gpus[0], halves)
    return devices.main(["--devices", "GPU:0,GPU:1", *arguments])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
