import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet import device_memory, load
from keras_alexnet.models.memory import inference_memory
from keras_alexnet.trained.network import TrainedNetwork
from tests import small
from tfrecords import DatasetError
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


def test_views_of_an_export_are_built_in_and_others_are_refused(
    exported, exported_ten, pictures
):
    for version, own, other in ((exported, 1, 10), (exported_ten, 10, 1)):
        opened = load(version)
        found = opened.predict(pictures, top=3)
        assert found == opened.predict(pictures, views=own, top=3)
        assert [len(p.labels) for p in found] == [3, 3, 3]  # whatever was exported
        said = rf"Expected {own} view\(s\).*built in, got {other}. Leave --views out"
        with pytest.raises(DatasetError, match=said):
            opened.predict(pictures, views=other)


def test_an_export_has_no_keras_model_and_says_so(exported, tmp_path):
    network = load(exported)
    with pytest.raises(DatasetError, match="got the export .*Take the folder that"):
        _ = network.model
    with pytest.raises(DatasetError, match="got the export"):
        network.save(tmp_path / "network")
    assert not list(tmp_path.iterdir())
