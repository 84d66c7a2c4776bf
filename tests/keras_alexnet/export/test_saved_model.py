import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.data import eval_dataset
from keras_alexnet.export.saved_model import export_saved_model
from keras_alexnet.inference.classifier import predict
from keras_alexnet.trained.folder import load_best
from keras_alexnet.trained.opening import load_network
from tests import small
from tests.reference import rounding_bound
from tfrecords import DatasetError

CLIENT = """
import json, sys
import tensorflow as tf
loaded = tf.saved_model.load(sys.argv[1])
serve = loaded.signatures["serving_default"]
pictures = [open(path, "rb").read() for path in sys.argv[2:]]
outputs = serve(image_bytes=tf.constant(pictures))
assert not {"keras_alexnet", "tfrecords"} & {name.split(".")[0] for name in sys.modules}
print(json.dumps(outputs["probabilities"].numpy().tolist()))
"""


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    out = tmp_path_factory.mktemp("export") / "model"
    assert export_saved_model(run, out) == out / "1"
    return out


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for label in range(3):
        for kind in ("JPEG", "PNG", "BMP", "WEBP"):
            pixels = small.picture(label, 100, 70 + label, 120)
            (folder / f"{label}.{kind}").write_bytes(small.encode(pixels, kind))
    return sorted(folder.iterdir())


def readable(pictures):
    return [path for path in pictures if path.suffix in (".JPEG", ".PNG", ".BMP")]


def test_export_and_run_folder_predict_the_same(run, exported, pictures):
    first, second = (
        list(predict(load_network(model), pictures)) for model in (run, exported)
    )
    for a, b in zip(first, second, strict=True):
        assert not a.error and a.labels == b.labels and a.classes == b.classes
        np.testing.assert_allclose(a.scores, b.scores, atol=small.probability_bound())


def test_probabilities_equal_those_of_a_process_without_our_code(
    run, exported, pictures
):
    paths = readable(pictures)
    done = subprocess.run(
        [sys.executable, "-c", CLIENT, str(exported / "1"), *map(str, paths)],
        capture_output=True,
        text=True,
        cwd="/",
    )
    assert done.returncode == 0, done.stderr
    theirs = np.array(json.loads(done.stdout.splitlines()[-1]))
    ours = load_network(run)(tf.constant([p.read_bytes() for p in paths]))
    np.testing.assert_allclose(
        theirs, ours["probabilities"], atol=small.probability_bound()
    )
    limit = rounding_bound("float32", len(small.CLASSES), steps=5)
    np.testing.assert_allclose(theirs.sum(axis=1), 1, atol=limit)


def test_signatures_are_those_of_the_architecture(exported):
    signatures = tf.saved_model.load(str(exported / "1")).signatures
    assert set(signatures) >= {"serving_default", "images", "features"}
    spec = signatures["serving_default"].structured_input_signature[1]["image_bytes"]
    assert spec.dtype == tf.string and spec.shape.as_list() == [None]
    outputs = signatures["serving_default"].structured_outputs
    assert set(outputs) == {"probabilities", "classes", "scores", "labels"}
    assert (exported / "1/assets/labels.txt").read_text().split() == [*small.CLASSES]


def test_weights_are_stored_once(run, exported):
    weights = 4 * load_best(run).count_params()
    stored = sum(f.stat().st_size for f in (exported / "1/variables").iterdir())
    assert weights < stored < 1.5 * weights


def test_images_signature_takes_what_the_pipeline_gives(run, exported, dataset):
    images, _ = next(iter(eval_dataset(dataset, batch_size=4, input_size=small.INPUT)))
    serve = tf.saved_model.load(str(exported / "1"))
    got = serve.signatures["images"](images=images)["probabilities"]
    expected = tf.nn.softmax(load_best(run)(images, training=False))
    np.testing.assert_allclose(got, expected, atol=small.probability_bound())


def test_features_are_the_activations(exported, pictures):
    serve = tf.saved_model.load(str(exported / "1"))
    features = serve.signatures["features"](
        image_bytes=tf.constant([pictures[0].read_bytes()])
    )
    assert features["fc7"].shape == (1, small.NETWORK["units"])
    assert features["pool5"].shape == (1, 1, 1, small.NETWORK["filters"][-1])


def test_bad_bytes_are_named_and_the_model_lives_on(exported, pictures):
    serve = tf.saved_model.load(str(exported / "1"))
    good = pictures[0].read_bytes()
    with pytest.raises(tf.errors.InvalidArgumentError, match="Expected JPEG.*1"):
        serve.signatures["serving_default"](image_bytes=tf.constant([good, b"no"]))
    after = serve.signatures["serving_default"](image_bytes=tf.constant([good]))
    assert after["probabilities"].shape == (1, 3)


def test_each_export_is_a_new_version(run, exported):
    version = export_saved_model(run, exported, num_views=10, top=2)
    assert version == exported / "2"
    assert sorted(path.name for path in exported.iterdir()) == ["1", "2"]
    serve = tf.saved_model.load(str(version)).signatures["serving_default"]
    picture = small.encode(small.picture(0, 1))
    assert serve(image_bytes=tf.constant([picture]))["classes"].shape == (1, 2)


def test_ten_views_of_an_export_are_those_of_the_run(run, tmp_path, pictures):
    version = export_saved_model(run, tmp_path / "model", num_views=10)
    ten = list(predict(load_network(version), pictures[:3]))
    one = list(predict(load_network(run, num_views=1), pictures[:3]))
    for a, b in zip(
        ten, predict(load_network(run, num_views=10), pictures[:3]), strict=True
    ):
        np.testing.assert_allclose(a.scores, b.scores, atol=small.probability_bound())
    assert any(a.scores != b.scores for a, b in zip(ten, one, strict=True))


def test_files_that_cannot_be_read_do_not_stop_the_others(exported, tmp_path, pictures):
    good = pictures[0].read_bytes()
    (tmp_path / "a.jpg").write_bytes(good)
    (tmp_path / "b.jpg").write_bytes(b"")
    (tmp_path / "c.jpg").write_bytes(good[: len(good) // 2])
    (tmp_path / "d.txt").write_text("no picture")
    (tmp_path / "e.jpg").write_bytes(good)
    found = list(predict(load_network(exported), [tmp_path]))
    assert [bool(p.error) for p in found] == [False, True, True, True, False]
    assert found[0].scores == pytest.approx(found[4].scores)
    assert [p.error.split(":")[0] for p in found[1:4]] == [
        "empty",
        "truncated",
        "unknown_format",
    ]


def test_a_run_folder_with_an_export_inside_is_a_run(run, tmp_path):
    inside = shutil.copytree(run, tmp_path / "run") / "1" / "saved_model.pb"
    inside.parent.mkdir()
    inside.write_bytes(b"not to be read")
    assert callable(load_network(tmp_path / "run", num_views=10))


def test_a_folder_that_is_no_model_is_named(tmp_path):
    with pytest.raises(DatasetError, match="neither config.json nor saved_model.pb"):
        load_network(tmp_path)


def test_no_picture_is_an_error(exported, tmp_path):
    network = load_network(exported)
    with pytest.raises(DatasetError, match="found no file"):
        list(predict(network, [tmp_path]))
    with pytest.raises(DatasetError, match="found no .*missing.jpg"):
        list(predict(network, [tmp_path / "missing.jpg"]))
