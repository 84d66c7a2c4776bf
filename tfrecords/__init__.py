"""Pictures in, verified TFRecord shards out."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfrecords.builder import build
    from tfrecords.errors import DatasetError
    from tfrecords.manifest import Manifest
    from tfrecords.statistics import Statistics
    from tfrecords.verifier import verify

# Imported at first use: building imports much that reading a manifest does not need.
_HOMES = {
    "DatasetError": "tfrecords.errors",
    "Manifest": "tfrecords.manifest",
    "Statistics": "tfrecords.statistics",
    "build": "tfrecords.builder",
    "verify": "tfrecords.verifier",
}

__all__ = ["DatasetError", "Manifest", "Statistics", "build", "verify"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
