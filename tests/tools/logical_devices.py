"""Code in a process of its own whose CPU is split: devices are chosen only once."""

import json
from typing import Any

from tests.tools import fork_server

_PREAMBLE = """
import json
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
    done = fork_server.run(code)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])
