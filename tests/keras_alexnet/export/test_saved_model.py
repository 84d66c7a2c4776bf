import json
import shutil

import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet import load
from keras_alexnet.data import eval_dataset
from keras_alexnet.export import EXPORTERS
from keras_alexnet.export.saved_model import export
from tests import small
from tests.reference import rounding_bound
from tests.tools import fork_server

CLIENT = """
import json, os, sys
import tensorflow as tf
os.chdir("/")
loaded = tf.saved_model.load(sys.argv[1])
serve = loaded.signatures["serving_default"]
pictures = [open(path, "rb").read() for path in sys.argv[2:]]
outputs = serve(image_bytes=tf.constant(pictures))
assert not {"keras_alexnet", "tfrecords"} & {name.split(".")[0] for name in sys.modules}
print(json.dumps(outputs["probabilities"].numpy().tolist()))
"""


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
    first, second = (load(model).predict(pictures) for model in (run, exported))
    for a, b in zip(first, second, strict=True):
        assert not a.error and a.labels == b.labels and a.classes == b.classes
        np.testing.assert_allclose(a.scores, b.scores, atol=small.probability_bound())


def test_probabilities_equal_those_of_a_process_without_our_code(
    run, exported, pictures
):
    paths = readable(pictures)
    done = fork_server.run(CLIENT, exported, *paths)
    assert done.returncode == 0, done.stderr
    theirs = np.array(json.loads(done.stdout.splitlines()[-1]))
    ours = load(run).classifier()(tf.constant([p.read_bytes() for p in paths]))
    np.testing.assert_allclose(theirs, ours, atol=small.probability_bound())
    limit = rounding_bound("float32", len(small.CLASSES), steps=5)
    np.testing.assert_allclose(theirs.sum(axis=1), 1, atol=limit)


def test_signatures_are_those_of_the_architecture(exported):
    signatures = tf.saved_model.load(str(exported)).signatures
    assert set(signatures) >= {"serving_default", "images", "features"}
    spec = signatures["serving_default"].structured_input_signature[1]["image_bytes"]
    assert spec.dtype == tf.string and spec.shape.as_list() == [None]
    outputs = signatures["serving_default"].structured_outputs
    assert set(outputs) == {"probabilities", "classes", "scores", "labels"}
    assert (exported / "assets/labels.txt").read_text().split() == [*small.CLASSES]


def test_weights_are_stored_once(run, exported):
    weights = 4 * load(run).model.count_params()
    stored = sum(f.stat().st_size for f in (exported / "variables").iterdir())
    assert weights < stored < 1.5 * weights


def test_images_signature_takes_what_the_pipeline_gives(run, exported, dataset):
    images, _ = next(iter(eval_dataset(dataset, batch_size=4, input_size=small.INPUT)))
    serve = tf.saved_model.load(str(exported))
    got = serve.signatures["images"](images=images)["probabilities"]
    expected = tf.nn.softmax(load(run).model(images, training=False))
    np.testing.assert_allclose(got, expected, atol=small.probability_bound())


def test_features_are_the_activations(exported, pictures):
    serve = tf.saved_model.load(str(exported))
    features = serve.signatures["features"](
        image_bytes=tf.constant([pictures[0].read_bytes()])
    )
    assert features["fc7"].shape == (1, small.NETWORK["units"])
    assert features["pool5"].shape == (1, 1, 1, small.NETWORK["filters"][-1])


def test_bad_bytes_are_named_and_the_model_lives_on(exported, pictures):
    serve = tf.saved_model.load(str(exported))
    good = pictures[0].read_bytes()
    with pytest.raises(tf.errors.InvalidArgumentError, match="Expected JPEG.*1"):
        serve.signatures["serving_default"](image_bytes=tf.constant([good, b"no"]))
    after = serve.signatures["serving_default"](image_bytes=tf.constant([good]))
    assert after["probabilities"].shape == (1, 3)


def test_each_export_is_a_new_version(exported, exported_ten):
    assert (exported.name, exported_ten.name) == ("1", "2")
    assert sorted(path.name for path in exported.parent.iterdir()) == ["1", "2"]
    serve = tf.saved_model.load(str(exported_ten)).signatures["serving_default"]
    picture = small.encode(small.picture(0, 1))
    assert serve(image_bytes=tf.constant([picture]))["classes"].shape == (1, 2)


def test_an_export_says_what_its_network_is(run, exported):
    document = json.loads((exported / "assets.extra" / "config.json").read_text())
    assert document["format"] == 2 and "control" not in document
    network, found = load(run), load(exported)
    assert found.config.preset == network.config.preset
    assert found.config.preprocessing == network.config.preprocessing
    mean = network.preprocessing.mean
    np.testing.assert_array_equal(found.preprocessing.mean, mean)


def test_an_export_is_not_exported_again(exported, tmp_path):
    assert EXPORTERS["saved_model"] is export
    with pytest.raises(ValueError, match="got the export .*which has none"):
        export(load(exported), tmp_path / "again")
    assert not list(tmp_path.iterdir())


def test_ten_views_of_an_export_are_those_of_the_run(run, exported_ten, pictures):
    network = load(run)
    ten = load(exported_ten).predict(pictures[:3])
    one = network.predict(pictures[:3])
    for a, b in zip(ten, network.predict(pictures[:3], views=10), strict=True):
        np.testing.assert_allclose(a.scores, b.scores, atol=small.probability_bound())
    assert any(a.scores != b.scores for a, b in zip(ten, one, strict=True))


def test_the_cards_own_program_names_a_picture(exported, assert_named, tmp_path):
    folder = shutil.copytree(exported, tmp_path / "1")  # the program runs in it
    assert_named(folder)
