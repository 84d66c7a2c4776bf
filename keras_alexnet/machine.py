"""What machine and what software figures come from, and bug reports."""

import os
import platform
from collections.abc import Iterable
from importlib import metadata
from typing import Any

from keras_alexnet.processor import processor_instructions, processor_name
from keras_alexnet.version import VERSION
from tfrecords.processes import available_cores

_PACKAGES = (
    *("tensorflow", "keras", "numpy", "pillow", "tensorflow-datasets", "scipy"),
    *("scikit-learn", "matplotlib", "rich", "tyro", "protobuf"),
)
_EXTRAS = (*("openvino", "apache-beam", "nvidia-cudnn-cu12", "pyarrow", "tensorboard"),)
# By their whole names: a report is public, and others may hold secrets.
_VARIABLES = (
    *("TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS", "TF_NUM_INTRAOP_THREADS"),
    *("TF_NUM_INTEROP_THREADS", "TF_FORCE_GPU_ALLOW_GROWTH", "TF_GPU_ALLOCATOR"),
    *("TF_DETERMINISTIC_OPS", "TF_XLA_FLAGS", "TF_USE_LEGACY_KERAS", "TF_CONFIG"),
    *("XLA_FLAGS", "KERAS_BACKEND", "KERAS_HOME", "ONEDNN_MAX_CPU_ISA"),
    *("ONEDNN_DEFAULT_FPMATH_MODE", "OMP_NUM_THREADS", "MKL_NUM_THREADS"),
    *("CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "LD_PRELOAD", "MALLOC_ARENA_MAX"),
    *("PYTHONPATH", "PYTHONUTF8", "PYTHONIOENCODING", "LANG", "LC_ALL", "LC_CTYPE"),
    *("MPLBACKEND", "MATPLOTLIBRC", "TMPDIR", "SLURM_JOB_ID"),
)


def machine_facts() -> dict[str, Any]:
    """Say what this machine is: processor, instructions, cores, memory, system."""
    memory = memory_bytes()
    return {
        "processor": processor_name(),
        "instructions": list(processor_instructions()),
        "cores": available_cores(),
        "memory_gb": None if memory is None else round(memory / 1e9, 1),
        "system": platform.platform(),
    }


def package_versions() -> dict[str, str | None]:
    """Return our version, Python's and those of what we need; None: not installed."""
    ours = {"keras_alexnet": VERSION, "python": platform.python_version()}
    return {**ours, **_installed(_PACKAGES)}


def extra_versions() -> dict[str, str | None]:
    """Return the versions of what is only needed for extras; None: not installed."""
    return _installed(_EXTRAS)


def relevant_variables() -> dict[str, str]:
    """Return the environment variables that can change what we do."""
    return {name: os.environ[name] for name in _VARIABLES if name in os.environ}


def visible_devices() -> list[dict[str, Any]]:
    """Return the devices that TensorFlow sees: type, name, and what a GPU says of it.

    Raises:
        Exception: whatever stops TensorFlow from being imported.
    """
    import tensorflow as tf

    return [
        {
            "type": device.device_type,
            "name": device.name.removeprefix("/physical_device:"),
            **(
                tf.config.experimental.get_device_details(device)
                if device.device_type == "GPU"
                else {}
            ),
        }
        for device in tf.config.list_physical_devices()
    ]


def _installed(packages: Iterable[str]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None
    return found


def memory_bytes() -> int | None:
    """Return the bytes of this machine's memory; None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None
