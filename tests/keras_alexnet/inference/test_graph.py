import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet import SMALL_PRESETS, load
from keras_alexnet.data.preprocessing import Preprocessing
from keras_alexnet.inference.graph import ClassifierGraph
from keras_alexnet.models.of_preset import network_of
from tests import small


@pytest.fixture(scope="module")
def network(run):
    return load(run)


def test_pictures_are_named_as_the_network_predicts_them(network):
    graph = ClassifierGraph(
        network.model, network.labels, network.preprocessing, num_views=10, top=2
    )
    pictures = [small.encode(small.picture(label, 3)) for label in range(3)]
    answer = graph.from_bytes(tf.constant(pictures))
    assert answer["classes"].shape == (3, 2)
    for row, prediction in enumerate(network.predict(pictures, views=10, top=2)):
        assert answer["classes"][row].numpy().tolist() == prediction.classes
        assert [n.decode() for n in answer["labels"][row].numpy()] == prediction.labels
        np.testing.assert_allclose(
            answer["scores"][row], prediction.scores, atol=small.probability_bound()
        )


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("lenet5", ["c5", "f6"]),
        ("lenet5-1998", ["c5", "f6"]),
        ("cifar-quick", ["fc64", "pool3"]),
        ("cifar-11pct", ["local4"]),
    ],
)
def test_features_of_small_nets_are_their_last_maps_and_hidden_layers(name, layers):
    preset = SMALL_PRESETS[name]
    size, digits = preset.input_size, [str(digit) for digit in range(10)]
    mean = np.zeros((size, size, 3), np.float32)
    preprocessing = Preprocessing(32, "bicubic", False, size, mean)
    model = network_of(preset, 10)
    graph = ClassifierGraph(model, digits, preprocessing)
    picture = tf.constant([small.encode(small.picture(0, 1), "PNG")])
    found = graph.features(picture)
    assert sorted(found) == layers
    images = preprocessing.images(picture)
    for layer, array in found.items():
        expected = keras.Model(model.input, model.get_layer(layer).output)(images)
        np.testing.assert_allclose(array, expected, rtol=0, atol=1e-4)


def test_no_more_classes_are_named_than_there_are(network):
    parts = (network.model, network.labels, network.preprocessing)
    assert ClassifierGraph(*parts, top=9).top == 3
    with pytest.raises(ValueError, match="top"):
        ClassifierGraph(*parts, top=0)
    with pytest.raises(ValueError, match="Expected 1 or 10 views. Received: 5"):
        ClassifierGraph(*parts, num_views=5)


@pytest.mark.parametrize("version", ["exported", "exported_ten"])
def test_an_empty_batch_gives_no_rows(version, request, unfused):
    version = request.getfixturevalue(version)
    full = [small.encode(small.picture(0, 1))]
    for name, signature in tf.saved_model.load(str(version)).signatures.items():
        ((key, spec),) = signature.structured_input_signature[1].items()
        one, none = tf.constant(full), tf.zeros((0,), tf.string)
        if spec.dtype != tf.string:
            one, none = (tf.zeros((rows, *spec.shape[1:])) for rows in (1, 0))
        some, empty = signature(**{key: one}), signature(**{key: none})
        assert {*some} == {*empty}
        for output, rows in some.items():
            assert empty[output].shape == (0, *rows.shape[1:]), (name, output)
        with pytest.raises(tf.errors.InvalidArgumentError, match="expected_a_batch_of"):
            signature(**{key: one[0]})


def test_portable_signature_is_the_network(exported, unfused):
    signatures = tf.saved_model.load(str(exported)).signatures
    picture = tf.constant([small.encode(small.picture(1, 3))])
    images = signatures["preprocess"](image_bytes=picture)["images"]
    assert images.shape == (1, small.INPUT, small.INPUT, 3)
    expected = signatures["serving_default"](image_bytes=picture)["probabilities"]
    got = signatures["portable"](images=images)["probabilities"]
    np.testing.assert_allclose(got, expected, atol=small.probability_bound())
    assert "LRN" in operations_of(signatures["portable"])
    assert "LRN" not in operations_of(signatures["serving_default"])


def operations_of(signature):
    """Return the kinds of operations of a signature and all that it calls."""
    graphs, kinds = [signature.graph], set()
    while graphs:
        for operation in graphs.pop().get_operations():
            kinds.add(operation.type)
            if operation.type in ("PartitionedCall", "StatefulPartitionedCall"):
                name = operation.get_attr("f").name
                graphs.append(operation.graph._get_function(name).graph)
    return kinds
