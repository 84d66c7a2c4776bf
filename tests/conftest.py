"""What all tests share: a quiet TensorFlow and the same random numbers every time.

TensorFlow is imported by the fixtures: the process that hands tests on to others reads
this file too, and they wait for it.
"""

import fcntl
import gc
import os
import shutil

import pytest

from keras_alexnet.processor import refuses_bfloat16

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # before TensorFlow is imported

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 60_000  # milliseconds; on a machine that does much else, too


def pytest_runtest_setup(item):
    """Skip what would end the process, on no processor that exists."""
    if item.get_closest_marker("bfloat16") and refuses_bfloat16():
        pytest.skip("ONEDNN_MAX_CPU_ISA is below AVX512_CORE on a processor above")


@pytest.fixture(scope="session", autouse=True)
def quiet_tensorflow():
    """Leave only errors of TensorFlow's Python part in the report of a failing test."""
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")


@pytest.fixture(scope="module", autouse=True)
def few_objects_to_visit():
    """Free what the file before left in cycles, and never look at what it keeps again.

    TensorFlow keeps a million objects in the end, and a collection visits them all: so
    there are hardly any within a file, which takes a twentieth of the time off.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)


@pytest.fixture(autouse=True)
def fixed_seeds():
    """Start every test from the same seeds, alone or after others."""
    import keras

    keras.utils.set_random_seed(2012)


@pytest.fixture
def unfused():
    """Let TensorFlow fuse no grouped convolution, which takes oneDNN to compute."""
    import tensorflow as tf

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
    from tests import small

    return made_once("small", small.build_dataset) / "data"


@pytest.fixture(scope="session")
def other(tmp_path_factory):
    """A function that builds the pictures of `dataset` with other options."""
    from tests import small

    def build(**options):
        return small.build_dataset(tmp_path_factory.mktemp("other"), **options)

    return build


@pytest.fixture(scope="session")
def run(made_once, dataset, tmp_path_factory):
    """A finished run of two epochs on it; tests must not change it."""
    from tests import small

    made = made_once("run", lambda folder: small.train(dataset, folder))
    # Of this process alone: `evaluate` keeps its figures there.
    return shutil.copytree(made, tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="session")
def exported(made_once, run):
    """The run as a SavedModel of one view, the folder of its version 1."""
    from keras_alexnet import load
    from keras_alexnet.export.saved_model import export

    return made_once("model", lambda folder: export(load(run), folder)) / "1"


@pytest.fixture(scope="session")
def converted(made_once, run):
    """A network folder for each of the other runtimes, by the name of its file."""
    from keras_alexnet import load
    from keras_alexnet.export import EXPORTERS

    kinds = {"network.onnx": "onnx", "network.tflite": "litert"}
    kinds["network.xml"] = "openvino"

    def make(folder):
        for kind in kinds.values():
            EXPORTERS[kind](load(run), folder / kind, views=1, top=5)

    folder = made_once("converted", make)
    return {file: folder / kind for file, kind in kinds.items()}


@pytest.fixture(scope="session")
def exported_ten(made_once, run, exported):
    """The same with ten views and two classes named, beside it: version 2."""
    from keras_alexnet import load
    from keras_alexnet.export.saved_model import export

    model = exported.parent
    made_once("ten", lambda _: export(load(run), model, views=10, top=2))
    return model / "2"


@pytest.fixture(scope="session")
def index(made_once, run, dataset):
    """An index of the validation pictures, fc7 of the run; tests must not change it."""

    from keras_alexnet import cli

    def make(folder):
        folder.mkdir()
        arguments = [dataset, "--split", "validation", "--out", folder / "index.h5"]
        assert cli.main(["features", str(run), *map(str, arguments)]) == 0

    return made_once("index", make) / "index.h5"


@pytest.fixture(scope="module")  # as long as it is open, its thread runs no asyncio
def browser():
    """A browser that is there already, without a window."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"needs a browser: found none of {', '.join(BROWSERS)} on PATH")
    sync_api = pytest.importorskip("playwright.sync_api")
    sync_api.expect.set_options(timeout=PATIENCE)
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path)
        yield opened
        opened.close()
