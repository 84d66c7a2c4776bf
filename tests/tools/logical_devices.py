"""Code in a process of its own whose CPU is split: devices are chosen only once."""

import json
import subprocess
import sys
from typing import Any

_PREAMBLE = """
import json, os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
import tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * {count},
)
"""


def run(code: str, count: int = 2) -> Any:
    """Run code on `CPU:0` to `CPU:count-1`; return what it left in `result`."""
    code = _PREAMBLE.format(count=count) + code + "\nprint(json.dumps(result))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])
