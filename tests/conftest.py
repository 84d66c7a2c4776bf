"""What all tests share: a quiet TensorFlow and the same random numbers every time."""

import fcntl
import os
import shutil

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # before TensorFlow is imported

import keras  # noqa: E402
import pytest  # noqa: E402
import tensorflow as tf  # noqa: E402

from keras_alexnet import cli, load  # noqa: E402
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
def made_once(tmp_path_factory):
    """Return a function that gives what the first of all processes makes.

    It takes a name, and what makes a folder of that name, which all processes read.
    """
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # of this session, and of all its processes

    def find_or_make(name, make):
        folder = base / "shared" / name
        folder.parent.mkdir(exist_ok=True)
        done = folder.with_name(f"{name}.done")
        with open(folder.with_name(f"{name}.lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                make(folder)
                done.touch()
        return folder

    return find_or_make


@pytest.fixture(scope="session")
def dataset(made_once):
    """A small dataset folder; tests must not change it."""
    return made_once("small", small.build_dataset) / "data"


@pytest.fixture(scope="session")
def other(tmp_path_factory):
    """A function that builds the pictures of `dataset` with other options."""

    def build(**options):
        return small.build_dataset(tmp_path_factory.mktemp("other"), **options)

    return build


@pytest.fixture(scope="session")
def run(made_once, dataset, tmp_path_factory):
    """A finished run of two epochs on it; tests must not change it."""
    made = made_once("run", lambda folder: small.train(dataset, folder))
    # Of this process alone: `evaluate` keeps its figures there.
    return shutil.copytree(made, tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="session")
def exported(made_once, run):
    """The run as a SavedModel of one view, the folder of its version 1."""
    return made_once("model", lambda folder: export(load(run), folder)) / "1"


@pytest.fixture(scope="session")
def exported_ten(made_once, run, exported):
    """The same with ten views and two classes named, beside it: version 2."""
    model = exported.parent
    made_once("ten", lambda _: export(load(run), model, views=10, top=2))
    return model / "2"


@pytest.fixture(scope="session")
def index(made_once, run, dataset):
    """An index of the validation pictures, fc7 of the run; tests must not change it."""

    def make(folder):
        folder.mkdir()
        arguments = [dataset, "--split", "validation", "--out", folder / "index.h5"]
        assert cli.main(["features", str(run), *map(str, arguments)]) == 0

    return made_once("index", make) / "index.h5"
