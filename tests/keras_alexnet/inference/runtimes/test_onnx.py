import subprocess
import sys

import keras
import numpy as np
import onnx
import onnxruntime
import pytest

from keras_alexnet import alexnet, cli, load
from keras_alexnet.export.onnx_graph import onnx_graph
from keras_alexnet.inference.probabilities import view_probabilities
from keras_alexnet.inference.runtimes import RUNTIMES
from keras_alexnet.inference.runtimes import onnx as runtime
from keras_alexnet.inference.runtimes.onnx import open_network
from tests.keras_alexnet.models.conftest import (
    NORM_STEPS,
    SIZE,
    SMALL,
    TERMS,
    photos,
    with_random_weights,
)
from tests.reference import network_bound
from tfrecords.errors import UserError
from tfrecords.processes import available_cores

CLASSES = 7
PROMISED = 1e-4  # of probabilities, beside Keras


@pytest.fixture(scope="module")
def model():
    given = {**SMALL, "seed": 0, "dtype": "float32"}
    return with_random_weights(alexnet("released", CLASSES, SIZE, **given))


@pytest.fixture(scope="module")
def file(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "network.onnx"
    path.write_bytes(onnx_graph(model).SerializeToString())
    return path


def assert_near(found, model, images):
    """Hold probabilities to the rounding of the logits, and to what is promised."""
    logits = model(images.reshape(-1, SIZE, SIZE, 3), training=False).numpy()
    # A probability moves at most half as far as the logits do.
    share = network_bound("float32", TERMS, NORM_STEPS) / 2
    rounding = share * np.abs(logits).max() + 2**-23
    expected = view_probabilities(model)(keras.ops.convert_to_tensor(images)).numpy()
    np.testing.assert_allclose(found, expected, atol=min(rounding, PROMISED))
    assert found.dtype == np.float32
    assert np.ptp(expected) > 100 * PROMISED  # or any answer would do


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_probabilities_are_those_of_keras(batch, model, file):
    network = RUNTIMES["onnx"](file)
    images = photos(batch, SIZE)
    assert_near(network(images), model, images)
    strided = np.asfortranarray(images).astype(np.float64)
    np.testing.assert_array_equal(network(strided), network(images))


def test_views_are_averaged_as_probabilities(model, file):
    images = photos(6, SIZE).reshape(2, 3, SIZE, SIZE, 3)
    assert_near(open_network(str(file))(images), model, images)


@pytest.mark.parametrize("views", [(), (10,)])
def test_no_images_give_no_rows(file, views):
    found = open_network(file)(np.zeros((0, *views, SIZE, SIZE, 3)))
    assert found.shape == (0, CLASSES) and found.dtype == np.float32


@pytest.mark.parametrize(
    "shape",
    [(), (SIZE, SIZE, 3), (2, 3, SIZE, SIZE), (2, 8, 8, 3), (1, 1, 2, SIZE, SIZE, 3)],
)
def test_images_of_another_shape_are_refused(file, shape):
    with pytest.raises(UserError, match=rf"\(batch, {SIZE}, {SIZE}, 3\), .*, got \("):
        open_network(file)(np.zeros(shape))


def test_other_precisions_are_refused(file):
    with pytest.raises(UserError, match="float32 for an ONNX file, got mixed_bfloat16"):
        open_network(file, precision="mixed_bfloat16")
    with pytest.raises(UserError, match="float32, mixed_bfloat16.*'float16'"):
        open_network(file, precision="float16")


def test_what_is_no_file_says_how_to_make_one(model, run, exported, capsys):
    hint = "ONNX file.*alexnet export NETWORK OUT --to onnx"
    with pytest.raises(UserError, match=hint):
        open_network(model)
    for folder in (run, exported):
        with pytest.raises(UserError, match=hint):
            load(folder, runtime="onnx")
    arguments = ["predict", str(run), "a.jpg", "--runtime", "onnx"]
    assert cli.main(arguments) == 1
    error = capsys.readouterr().err.strip()
    assert "--to onnx" in error and "\n" not in error


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: b"<html>" * 40,
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1],
        lambda data: data.replace(b"\x04Conv", b"\x04\xffonv"),
    ],
    ids=["empty", "html", "half", "cut", "name"],
)
def test_a_damaged_file_is_one_line_with_its_name(file, tmp_path, damage, capfd):
    path = tmp_path / "network.onnx"
    path.write_bytes(damage(file.read_bytes()))
    with pytest.raises(UserError, match=f"in {path}, found: .") as caught:
        open_network(path)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")  # nothing of the library's own


def test_another_network_and_no_network_are_refused(file, tmp_path):
    for missing in (tmp_path, tmp_path / "none.onnx"):
        with pytest.raises(UserError, match=f"in {missing}, found: no file"):
            open_network(missing)
    for old, new in ((b"images", b"pixels"), (b"probabilities", b"probabilitieZ")):
        path = tmp_path / "other.onnx"
        path.write_bytes(file.read_bytes().replace(old, new))
        onnx.checker.check_model(path)
        with pytest.raises(UserError, match=f"found: .*{new.decode()}"):
            open_network(path)


def test_what_cannot_be_answered_is_one_line(tmp_path, capfd):
    made = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 17]>
        lines (float[N, 3, 8, 8] images) => (float[N, 7] probabilities)
        <int64[2] shape = {5, 7}> { probabilities = Reshape (images, shape) }
    """)
    onnx.save(made, tmp_path / "network.onnx")
    network = open_network(tmp_path / "network.onnx")
    with pytest.raises(UserError, match="to 6 images at once: .* Take fewer") as caught:
        network(np.zeros((2, 3, 8, 8, 3)))
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")  # the library would say it too


def test_it_takes_the_cores_of_this_process_and_tells_nobody(file, monkeypatch):
    made, told = [], []

    class Noted(onnxruntime.InferenceSession):
        def __init__(self, path, options, **more):
            made.append(options)
            super().__init__(path, options, **more)
            assert self.get_providers() == ["CPUExecutionProvider"]

    monkeypatch.setattr(onnxruntime, "InferenceSession", Noted)
    monkeypatch.setattr(onnxruntime, "disable_telemetry_events", lambda: told.append(0))
    open_network(file)
    assert made[0].intra_op_num_threads == available_cores() and told == [0]
    monkeypatch.setattr(runtime, "available_cores", lambda: 3)
    open_network(file)
    assert made[1].intra_op_num_threads == 3


def test_without_the_package_one_line_says_what_to_install(file, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UserError, match=r"pip install 'keras-alexnet\[onnx\]'"):
        open_network(file)


PROGRAM = """
import sys
import numpy as np
from keras_alexnet.inference.runtimes import RUNTIMES
network = RUNTIMES["onnx"](sys.argv[1])
print(network(np.load(sys.argv[2])).tobytes().hex())
assert not {"tensorflow", "keras", "onnx"} & {*sys.modules}
"""


def test_an_answer_takes_neither_tensorflow_nor_keras(file, tmp_path):
    images = photos(2, SIZE)
    np.save(tmp_path / "images.npy", images)
    command = [sys.executable, "-c", PROGRAM, file, tmp_path / "images.npy"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == open_network(file)(images).tobytes().hex()
