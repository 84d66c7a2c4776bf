import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet import device_memory, load
from keras_alexnet.models.memory import inference_memory
from keras_alexnet.trained.network import TrainedNetwork
from tests import small
from tfrecords.errors import UserError


@pytest.fixture(scope="module")
def network(run):
    return load(run)


@pytest.fixture(scope="module")
def pictures():
    return [small.encode(small.picture(label, 9)) for label in range(3)]


@pytest.mark.parametrize("views", [1, 10])
def test_predictions_are_the_probabilities_of_preprocessed_pictures(
    network, pictures, views
):
    images = network.preprocessing.images(tf.constant(pictures), views)
    rows = network.probabilities(images)
    assert rows.shape == (3, 3) and rows.dtype == np.float32
    flat = tf.reshape(images, (-1, *network.model.input_shape[1:]))
    softmax = tf.nn.softmax(network.model(flat, training=False)).numpy()
    expected = softmax.reshape(3, views, 3).mean(axis=1)
    np.testing.assert_allclose(rows, expected, atol=small.probability_bound())
    found = network.predict(pictures, views=views)
    for row, prediction in zip(rows, found, strict=True):
        order = np.argsort(-row, kind="stable")
        assert prediction.classes == order.tolist()
        assert prediction.scores == row[order].tolist()
        assert prediction.labels == [network.labels[i] for i in order]


def test_a_network_is_made_of_its_parts(network, pictures):
    parts = (network.model, network.labels, network.config, network.statistics)
    assert TrainedNetwork(*parts).predict(pictures) == network.predict(pictures)


@pytest.mark.parametrize("kind", ["run", "exported"])
def test_images_that_do_not_fit_in_memory_are_explained(
    request, monkeypatch, pictures, kind
):
    opened = load(request.getfixturevalue(kind))
    error = tf.errors.ResourceExhaustedError(None, None, "Out of memory")

    def fail(*_):
        raise error

    monkeypatch.setattr(opened, "_compute", fail)
    monkeypatch.setattr(opened, "classifier", lambda views: fail)
    monkeypatch.setattr(device_memory, "device_bytes", lambda device: 10**9)
    least = inference_memory(opened.config.preset, 3)
    holds = f"{(10**9 - least.fixed) // least.image:,}"
    said = f"not fit in the 1.0 GB of .*it holds {holds};.*CUDA_VISIBLE_DEVICES=-1"
    with pytest.raises(UserError, match=said):
        opened.predict(pictures)
    with pytest.raises(UserError, match=said):
        opened.probabilities(np.zeros((1, 67, 67, 3), np.float32))


def test_features_are_those_of_the_network_up_to_the_layer(network, pictures):
    images = network.preprocessing.images(tf.constant(pictures), 1)
    for layer in ("fc7", "fc6_pre", "conv5_tower1", "probabilities"):
        found = network.features(pictures, layer)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, network.at(layer)(images, training=False))
    np.testing.assert_array_equal(
        network.features(pictures)[1:2], network.features(pictures[1:2])
    )
    assert network.features([], "conv5").shape == (0, 3, 3, 8)
    assert network.at("fc7").name == "fc7"


def test_features_of_many_pictures_are_computed_in_batches(network, pictures):
    many = pictures * 12
    found = network.features(many, "conv5")
    np.testing.assert_array_equal(
        found, np.tile(network.features(pictures, "conv5"), (12, 1, 1, 1))
    )


def test_features_need_pictures_that_can_be_read(network, pictures, tmp_path):
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(pictures[0][:300])
    with pytest.raises(UserError, match=r"bad.jpg: truncated.*Leave it out"):
        network.features([pictures[0], bad])
    with pytest.raises(UserError, match="picture 1, counted from 0: empty"):
        network.features([pictures[0], b""])
    with pytest.raises(UserError, match="found no .*missing.jpg"):
        network.features([tmp_path / "missing.jpg"])
    with pytest.raises(UserError, match="released is another network"):
        network.features(pictures, "features.3")
