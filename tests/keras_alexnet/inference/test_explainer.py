import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet import load
from keras_alexnet.data.picture import decode_picture
from keras_alexnet.data.views import centre_view
from keras_alexnet.inference.explainer import METHODS, Explainer
from keras_alexnet.inference.grad_cam import GradCam
from keras_alexnet.inference.occlusion import occlusion_map
from tests import reference, small
from tfrecords.errors import UserError


@pytest.fixture(scope="module")
def network(run):
    return load(run)


@pytest.fixture(scope="module")
def picture():
    return small.encode(small.picture(1, 9))


def softmax(logits):
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def test_occlusion_is_that_of_the_network_in_float64(network, picture):
    """With the reference of all the network, and no square covered by our code."""
    image = np.asarray(network.preprocessing.images(tf.constant([picture]))[0])
    offsets = (0, 16, 32, 48, 51)
    places = [np.s_[row : row + 16, at : at + 16] for row in offsets for at in offsets]
    images = np.repeat(image[None], 1 + len(places), 0).astype(np.float64)
    for covered, place in zip(images[1:], places, strict=True):
        covered[place] = 0
    rows = softmax(reference.alexnet_logits(network.model, "released", images))
    found = network.explain(picture, class_index=2, step=16)
    falls = np.zeros((2, small.INPUT, small.INPUT))
    for row, place in zip(rows[1:], places, strict=True):
        falls[0][place] += rows[0, 2] - row[2]
        falls[1][place] += 1
    # Of both probabilities of a difference.
    bound = 2 * small.probability_bound()
    expected = falls[0] / falls[1]
    assert np.abs(expected).max() > 10 * bound
    np.testing.assert_allclose(found.map, expected, rtol=0, atol=bound)
    assert found.probability == pytest.approx(rows[0, 2], abs=bound)


def test_an_explanation_is_of_the_likeliest_class_or_of_another(network, picture):
    (answer,) = network.predict([picture])
    image = network.preprocessing.images(tf.constant([picture]))[0].numpy()
    for method in METHODS:
        found = network.explain(picture, method)
        assert (found.class_index, found.label) == (answer.classes[0], answer.labels[0])
        assert found.probability == pytest.approx(answer.scores[0], rel=1e-5)
        other = network.explain(picture, method, class_index=answer.classes[1])
        assert other.label == answer.labels[1]
        assert not np.array_equal(found.map, other.map)
    expected = GradCam(network.model)(image, answer.classes[0])
    np.testing.assert_array_equal(network.explain(picture, "grad_cam").map, expected)
    plain = occlusion_map(image, 0, network.probabilities, square=20, step=10)
    given = network.explain(picture, class_index=0, square=20, step=10)
    np.testing.assert_array_equal(given.map, plain)


def test_the_crop_is_what_was_decoded(network, picture):
    pre = network.preprocessing
    square = decode_picture(picture, pre.stored_size, pre.resize_filter)
    expected = centre_view(square, pre.input_size).numpy()
    found = network.explain(picture, "grad_cam").crop
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, expected)
    image = network.image(picture)
    np.testing.assert_array_equal(
        image, network.preprocessing.images(tf.constant([picture]))[0]
    )
    np.testing.assert_array_equal(network.explainer().crop(image), expected)


@pytest.mark.parametrize("kind", ["exported", "exported_ten"])
def test_an_export_does_occlusion_and_says_what_grad_cam_needs(
    request, network, picture, kind
):
    export = load(request.getfixturevalue(kind))
    found = export.explain(picture, square=32, step=32)
    expected = network.explain(picture, square=32, step=32)
    bound = 2 * small.probability_bound()
    np.testing.assert_allclose(found.map, expected.map, rtol=0, atol=bound)
    np.testing.assert_array_equal(found.crop, expected.crop)
    said = "Keras network for Grad-CAM.*export .*Occlusion needs only probabilities"
    with pytest.raises(UserError, match=said):
        export.explain(picture, "grad_cam")


def test_a_map_of_zeros_is_said(network, picture):
    model = keras.models.clone_model(network.model)
    head = model.get_layer("fc8")
    head.set_weights([np.zeros_like(array) for array in head.get_weights()])
    thirds = lambda images: np.full((len(images), 3), 1 / 3, np.float32)  # noqa: E731
    mean, image = network.preprocessing.mean, network.image(picture)
    explainer = Explainer(mean, thirds, network.labels, lambda: model)
    for method in METHODS:
        found = explainer.explain(image, method)
        assert found.class_index == 0 and not found.map.any()
        assert "nothing" in found.note or "no part" in found.note
        assert not network.explain(picture, method).note


def test_covering_a_picture_of_the_mean_changes_nothing(network):
    zeros = np.zeros((small.INPUT, small.INPUT, 3), np.float32)
    assert not occlusion_map(zeros, 0, network.probabilities, step=16).any()


def test_what_cannot_be_explained_is_said(network, picture, tmp_path):
    for options, said in (
        ({"class_index": 3}, "class from 0 to 2, got 3"),
        ({"class_index": -1}, "class from 0 to 2, got -1"),
        ({"method": "lime"}, "method of occlusion, grad_cam. Received: 'lime'"),
        ({"method": "grad_cam", "step": 8}, "occlusion only, got them with grad_cam"),
        ({"square": 68}, "square of at most 67"),
    ):
        with pytest.raises(UserError, match=said):
            network.explain(picture, **options)
    with pytest.raises(UserError, match="picture 0, counted from 0: empty"):
        network.explain(b"")
    with pytest.raises(UserError, match="found no .*missing"):
        network.explain(tmp_path / "missing.jpg")
    nothing = lambda images: np.full((len(images), 3), np.nan)  # noqa: E731
    explainer = Explainer(0, nothing, network.labels, lambda: network.model)
    with pytest.raises(UserError, match="not_finite"):
        explainer.explain(network.image(picture))
