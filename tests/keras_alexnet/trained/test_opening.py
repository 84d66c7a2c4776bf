import json
import shutil
import subprocess
import sys

import pytest
import tensorflow as tf

import keras_alexnet
from keras_alexnet import load
from keras_alexnet.trained.exported import ExportedNetwork
from keras_alexnet.trained.network import TrainedNetwork
from tests import small
from tests.tools import fork_server
from tfrecords import DatasetError

WITHOUT = """
import sys, keras_alexnet, keras_alexnet.registration
def modules(*tops):
    return sorted(m for m in sys.modules if m.split(".")[0] in tops)
assert not modules("tensorflow", "keras", "matplotlib"), "import keras_alexnet"
import keras_alexnet.trained.names, keras_alexnet.trained, keras_alexnet.inference
import keras_alexnet.inference.runtimes, keras_alexnet.export, keras_alexnet.figures
import keras_alexnet.evaluation
assert not modules("tensorflow", "keras", "matplotlib"), "the rooms"
from keras_alexnet import cli
run, version, out = sys.argv[1:]
assert cli.main(["--help"]) == 0 and cli.main(["--version"]) == 0
for verb in cli.VERBS:
    kind = {"benchmark": ["step"], "figures": ["curves"]}.get(verb, [])
    try:
        cli.main([verb, *kind, "--help"])
    except SystemExit as end:
        assert end.code == 0, verb
    assert not modules("tensorflow", "keras"), verb
assert cli.main(["figures", "curves", run, "--out", out]) == 0
assert cli.main(["describe", run]) == cli.main(["describe", version]) == 0
assert not modules("tensorflow", "keras"), "figures curves, describe"
"""
# What it costs to answer from an export. TensorFlow brings Keras itself, so what counts
# is what is imported after it, and by whom; and where it is there our classes register,
# which is left out here.
ANSWERED = """
import sys, tensorflow
assert "keras_alexnet" not in sys.modules
keras = sys.modules.pop("keras")
import keras_alexnet.registration
keras_alexnet.registration.MODULES = ()
sys.modules["keras"] = keras
before = {*sys.modules}
version, picture = sys.argv[1:]
network = keras_alexnet.load(version)
assert not network.predict([picture])[0].error
new = {*sys.modules} - before
assert not [m for m in new if m.split(".")[0] == "keras"], "keras"
ours = [m for m in new if m.split(".")[0] == "keras_alexnet"]
assert "keras_alexnet.trained.opening" in ours
assert not [m for m in ours if hasattr(sys.modules[m], "keras")], "import keras"
rooms = {m.split(".")[1] for m in ours}
assert not rooms & {"layers", "models", "towers", "training"}, rooms
"""


def test_only_what_needs_them_imports_tensorflow_and_keras(run, exported, tmp_path):
    files = [run, exported, tmp_path / "curves.png"]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, *map(str, files)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "curves.png").exists()


def test_an_export_answers_without_keras(exported, tmp_path):
    (tmp_path / "one.png").write_bytes(small.encode(small.picture(0, 1), "PNG"))
    done = fork_server.run(ANSWERED, exported, tmp_path / "one.png")
    assert done.returncode == 0, done.stderr


def test_a_run_folder_with_an_export_inside_is_a_run(run, tmp_path):
    inside = shutil.copytree(run, tmp_path / "run") / "1" / "saved_model.pb"
    inside.parent.mkdir()
    inside.write_bytes(b"not to be read")
    assert load(tmp_path / "run").model.output_shape == (None, 3)


def test_a_folder_that_is_no_network_is_named(tmp_path):
    with pytest.raises(DatasetError, match="neither config.json nor saved_model.pb"):
        load(tmp_path)


def test_each_kind_of_folder_is_opened_as_what_it_is(run, exported, tmp_path):
    assert keras_alexnet.load is load
    for folder in (run, str(run)):
        network = load(folder)
        assert type(network) is TrainedNetwork and network.path == run
        assert (network.runtime, network.precision) == ("tensorflow", "float32")
    versions = tmp_path / "model"
    for name in ("2", "10", "latest"):
        shutil.copytree(exported, versions / name)
    newest = load(versions)
    assert type(newest) is ExportedNetwork and newest.path == versions / "10"
    assert load(versions / "2").path == versions / "2"
    assert newest.labels == [*small.CLASSES] == load(run).labels


def test_an_address_is_shown_as_it_was_given():
    with pytest.raises(DatasetError, match="got gs://bucket/run"):
        load("gs://bucket/run")


def test_an_unknown_runtime_is_answered_with_those_there_are(run):
    with pytest.raises(DatasetError, match="'torch'.*tensorflow, openvino"):
        load(run, runtime="torch")


def test_the_flat_configuration_of_an_earlier_run_is_read(run, tmp_path):
    earlier = shutil.copytree(run, tmp_path / "run")
    flat = {
        "data": "/gone",
        "preset": "released",
        "overrides": small.NETWORK,
        "stored_size": small.STORED,
        "num_classes": 3,
        "mean": "channel",
    }
    (earlier / "config.json").write_text(json.dumps(flat))
    (earlier / "network.keras").rename(earlier / "network.keras")
    preprocessing = load(earlier).preprocessing
    assert (preprocessing.stored_size, preprocessing.input_size) == (72, small.INPUT)
    assert preprocessing.apply_exif is None and preprocessing.resize_filter == "bicubic"
    assert tf.reduce_all(preprocessing.mean == preprocessing.mean[0, 0])
