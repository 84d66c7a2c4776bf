import builtins
import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet import alexnet, cli, load
from keras_alexnet.evaluation.accuracy import evaluate
from keras_alexnet.inference.probabilities import view_probabilities
from keras_alexnet.inference.runtimes.openvino import open_network
from keras_alexnet.presets import PRESETS
from tests import small
from tests.keras_alexnet.models.test_network import (
    SIZE,
    SMALL,
    photos,
    with_random_weights,
)
from tfrecords import DatasetError
from tfrecords.errors import UserError

TOLERANCE = small.probability_bound()  # beside TensorFlow in float32
PROMISED = 1e-4  # by OpenVINONetwork


@pytest.fixture
def openvino():
    return pytest.importorskip("openvino")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for number, kind in enumerate(("JPEG", "PNG", "BMP", "WEBP", "JPEG")):
        pixels = small.picture(number % 3, number, 70 + number, 120)
        (folder / f"{number}.{kind.lower()}").write_bytes(small.encode(pixels, kind))
    (folder / "5.jpg").write_bytes(b"no picture")
    return folder


def network_of(preset, precision="float32", **overrides):
    model = with_random_weights(
        alexnet(preset, 7, SIZE, seed=0, **{**SMALL, **overrides})
    )
    return model, open_network(model, precision=precision)


def probability_bound(logits, dtype="float32"):
    """Bound rounding as `small.probability_bound` does, for any logits; as promised."""
    share = np.abs(logits).max() / small.LARGEST_LOGIT
    limit = share * small.probability_bound(dtype)
    return min(limit, PROMISED) if dtype == "float32" else limit


def answers(network, pictures, **options):
    found = network.predict(sorted(pictures.iterdir()), **options)
    return [p for p in found if not p.error], [p for p in found if p.error]


def assert_same(first, second):
    for a, b in zip(first, second, strict=True):
        assert (a.file, a.labels, a.classes) == (b.file, b.labels, b.classes)
        np.testing.assert_allclose(a.scores, b.scores, atol=TOLERANCE)


@pytest.mark.parametrize("preset", PRESETS)
def test_probabilities_of_every_preset_are_tensorflows(openvino, preset):
    model, network = network_of(preset)
    for count in (1, 3):
        images = photos(count, SIZE)
        logits = model(images, training=False).numpy()
        expected = tf.nn.softmax(logits).numpy()
        got = network(np.asarray(images))
        np.testing.assert_allclose(got, expected, atol=probability_bound(logits))
        assert got.dtype == np.float32 and got.shape == (count, 7)
        assert np.ptp(expected) > 100 * PROMISED  # or any answer would do


def test_views_are_averaged_as_probabilities(openvino):
    model, network = network_of("released")
    images = np.asarray(photos(6, SIZE)).reshape(2, 3, SIZE, SIZE, 3)
    expected = view_probabilities(model)(tf.constant(images))
    limit = probability_bound(model(photos(6, SIZE), training=False))
    np.testing.assert_allclose(network(images), expected, atol=limit)


@pytest.mark.bfloat16
def test_precision_is_what_was_asked_for(openvino):
    # Of itself OpenVINO takes bfloat16 where there is AMX.
    _, network = network_of("released")
    assert network.inference_precision == "f32"
    images = np.asarray(photos(2, SIZE))
    model, network = network_of("released", "mixed_bfloat16")
    logits = model(images, training=False).numpy()
    limit = probability_bound(logits, "bfloat16")
    np.testing.assert_allclose(network(images), tf.nn.softmax(logits), atol=limit)
    with pytest.raises(ValueError, match="float32, mixed_bfloat16.*'mixed_float16'"):
        network_of("released", "mixed_float16")


@pytest.mark.parametrize("num_views", [1, 10])
def test_run_folders_predict_the_same_with_both(openvino, run, pictures, num_views):
    options = {"views": num_views, "top": 2}
    good, bad = answers(load(run), pictures, **options)
    network = load(run, runtime="openvino")
    other_good, other_bad = answers(network, pictures, **options)
    assert_same(other_good, good)
    assert other_bad == bad and len(bad) == 1 and len(good) == 5
    assert all(len(p.labels) == 2 for p in good)


@pytest.mark.parametrize("version", ["exported", "exported_ten"])
def test_exports_predict_the_same_with_both(openvino, pictures, version, request):
    folder = request.getfixturevalue(version)
    good, bad = answers(load(folder), pictures, top=2)
    other = load(folder, runtime="openvino")
    other_good, other_bad = answers(other, pictures, top=2)
    assert_same(other_good, good)
    assert other_bad == bad and all(len(p.labels) == 2 for p in other_good)


def test_exports_without_the_signature_are_named(openvino, exported, monkeypatch):
    own = tf.saved_model.load

    def older(path):
        loaded = own(path)
        kept = {k: v for k, v in loaded.signatures.items() if k != "portable"}
        # The loaded object owns the variables.
        return type("Loaded", (), {"signatures": kept, "owner": loaded})

    monkeypatch.setattr(tf.saved_model, "load", older)
    with pytest.raises(DatasetError, match="'portable'.*older export.*alexnet export"):
        load(exported, runtime="openvino")


@pytest.mark.parametrize("num_views", [1, 10])
def test_evaluation_counts_the_same_with_both(openvino, run, dataset, num_views):
    expected, found = (
        evaluate([load(run, runtime=runtime)] * 2, dataset, views=num_views)
        for runtime in ("tensorflow", "openvino")
    )
    np.testing.assert_array_equal(found.confusion, expected.confusion)
    assert found.summary()["runtime"] == "openvino"
    assert expected.summary()["runtime"] == "tensorflow"


def test_without_the_package_one_line_says_what_to_install(
    run, dataset, pictures, monkeypatch, capsys
):
    real = builtins.__import__

    def without(name, *arguments, **options):
        if name.split(".")[0] == "openvino":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    for verb, data in (("predict", pictures), ("evaluate", dataset)):
        arguments = [verb, str(run), str(data), "--runtime", "openvino"]
        assert cli.main(arguments) == 1
        error = capsys.readouterr().err.strip()
        assert "pip install 'keras-alexnet[openvino]'" in error
        assert error.count("\n") == 0


def test_the_command_line_takes_the_runtime(openvino, run, pictures, tmp_path, capsys):
    found = {}
    for runtime in ("tensorflow", "openvino"):
        out = tmp_path / f"{runtime}.json"
        arguments = ["predict", str(run), str(pictures / "0.jpeg"), "--json", str(out)]
        assert cli.main([*arguments, "--runtime", runtime]) == 0
        (found[runtime],) = json.loads(out.read_text())
    assert found["openvino"]["labels"] == found["tensorflow"]["labels"]
    np.testing.assert_allclose(
        found["openvino"]["scores"], found["tensorflow"]["scores"], atol=TOLERANCE
    )


def test_no_pictures_give_no_rows(openvino, run):
    classifier = load(run, runtime="openvino").classifier()
    assert classifier(tf.zeros((0,), tf.string)).shape == (0, 3)


# Networks that come and go in the order in which they came, then a signal.
SIGNALLED = """
import os, signal
import keras
import tensorflow as tf
from keras_alexnet.inference.runtimes.openvino import open_network

pixels = keras.Input((8, 8, 3))
model = keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(pixels))

def network():
    made = open_network(model)
    made(tf.zeros((1, 8, 8, 3)))
    return made

networks = [network() for _ in range(3)]
while networks:
    del networks[0]
noted = []
signal.signal(signal.SIGTERM, lambda *_: noted.append(1))
for _ in range(8):
    os.kill(os.getpid(), signal.SIGTERM)
print(len(noted))
"""


@pytest.mark.slow
def test_signals_are_handled_after_networks_have_gone(openvino):
    command = [sys.executable, "-c", SIGNALLED]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "8\n"), done.stderr[-2000:]


@pytest.mark.parametrize("name", ["network.xml", "network.onnx"])
def test_a_file_that_is_no_network_of_ours_is_named(openvino, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"<net>")
    with pytest.raises(UserError, match=f"{name}, found: "):
        open_network(path)
    other = openvino.opset13.parameter([1, 2], np.float32, name="images")
    openvino.save_model(openvino.Model([other], [other], ""), tmp_path / "network.xml")
    with pytest.raises(UserError, match="network.xml, found: "):
        open_network(tmp_path / "network.xml")
