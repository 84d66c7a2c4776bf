"""What all tests share: a quiet TensorFlow and the same random numbers every time."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # before TensorFlow is imported

import keras  # noqa: E402
import pytest  # noqa: E402
import tensorflow as tf  # noqa: E402

from keras_alexnet import load  # noqa: E402
from keras_alexnet.export.saved_model import export  # noqa: E402
from keras_alexnet.processor import refuses_bfloat16  # noqa: E402
from tests import small  # noqa: E402


def pytest_runtest_setup(item):
    """Skip what would end the process, on no processor that exists."""
    if item.get_closest_marker("bfloat16") and refuses_bfloat16():
        pytest.skip("ONEDNN_MAX_CPU_ISA is below AVX512_CORE on a processor above")


@pytest.fixture(scope="session", autouse=True)
def quiet_tensorflow():
    """Leave only errors of TensorFlow's Python part in the report of a failing test."""
    tf.get_logger().setLevel("ERROR")


@pytest.fixture(autouse=True)
def fixed_seeds():
    """Start every test from the same seeds, alone or after others."""
    keras.utils.set_random_seed(2012)


@pytest.fixture
def unfused():
    """Let TensorFlow fuse no grouped convolution, which takes oneDNN to compute."""
    tf.config.optimizer.set_experimental_options({"remapping": False})
    yield
    tf.config.optimizer.set_experimental_options({"remapping": True})


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    """A small dataset folder; tests must not change it."""
    return small.build_dataset(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def run(tmp_path_factory, dataset):
    """A finished run of two epochs on it; tests must not change it."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    small.train(dataset, folder)
    return folder


@pytest.fixture(scope="session")
def exported(tmp_path_factory, run):
    """The run as a SavedModel of one view, the folder of its version 1."""
    return export(load(run), tmp_path_factory.mktemp("export") / "model")


@pytest.fixture(scope="session")
def exported_ten(run, exported):
    """The same with ten views and two classes named, beside it: version 2."""
    return export(load(run), exported.parent, views=10, top=2)
