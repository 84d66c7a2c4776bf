"""Pictures in, verified TFRecord shards out."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfrecords.building.build import build
    from tfrecords.dataset.manifest import Manifest
    from tfrecords.dataset.statistics import Statistics
    from tfrecords.errors import DatasetError
    from tfrecords.verification.verify import verify

# Imported at first use: building imports much that reading a manifest does not need.
_HOMES = {
    "DatasetError": "tfrecords.errors",
    "Manifest": "tfrecords.dataset.manifest",
    "Statistics": "tfrecords.dataset.statistics",
    "build": "tfrecords.building.build",
    "verify": "tfrecords.verification.verify",
}

__all__ = ["DatasetError", "Manifest", "Statistics", "build", "verify"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
