"""What all tests share: a quiet TensorFlow and the same random numbers every time."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # before TensorFlow is imported

import keras  # noqa: E402
import pytest  # noqa: E402
import tensorflow as tf  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def quiet_tensorflow():
    """Leave only errors of TensorFlow's Python part in the report of a failing test."""
    tf.get_logger().setLevel("ERROR")


@pytest.fixture(autouse=True)
def fixed_seeds():
    """Start every test from the same seeds, alone or after others."""
    keras.utils.set_random_seed(2012)
