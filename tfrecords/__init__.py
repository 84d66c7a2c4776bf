"""Pictures in, verified TFRecord shards out."""

from tfrecords.builder import build
from tfrecords.errors import DatasetError
from tfrecords.manifest import Manifest
from tfrecords.statistics import Statistics
from tfrecords.verifier import verify

__all__ = ["DatasetError", "Manifest", "Statistics", "build", "verify"]
