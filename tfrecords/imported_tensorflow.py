"""Imports TensorFlow: the server that worker processes are forked from begins so."""

from tfrecords.streams import import_tensorflow_silently

import_tensorflow_silently()
