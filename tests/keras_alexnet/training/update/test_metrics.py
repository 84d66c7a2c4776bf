import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.training.update.metrics import TopKError


def top_k_error(labels, scores, k):
    """Count the labels that are not among the k best, one image at a time."""
    wrong = 0
    for label, row in zip(labels, scores, strict=True):
        guesses = sorted(range(len(row)), key=lambda i: (-row[i], i))[:k]
        wrong += label not in guesses
    return wrong / len(labels)


@pytest.mark.parametrize("k", [1, 5])
def test_it_counts_the_labels_outside_the_best_k(k):
    generator = np.random.default_rng(1)
    scores = generator.normal(size=(200, 20))
    labels = generator.integers(0, 20, 200)
    expected = top_k_error(labels, scores, k)
    assert 0 < expected < 1
    assert float(TopKError(k)(labels, scores)) == pytest.approx(expected)


def test_batches_of_different_sizes_count_by_image():
    generator = np.random.default_rng(2)
    scores = generator.normal(size=(50, 4))
    labels = generator.integers(0, 4, 50)
    metric = TopKError()
    for part in (slice(0, 30), slice(30, 47), slice(47, 50)):
        metric.update_state(labels[part], scores[part])
    expected = top_k_error(labels, scores, 1)
    assert float(metric.result()) == pytest.approx(expected)
    metric.reset_state()
    metric.update_state([1], [[0.0, 1.0]])
    assert float(metric.result()) == 0


def test_with_fewer_classes_than_guesses_nothing_is_wrong():
    assert float(TopKError(5)([0, 1, 2], np.eye(3))) == 0


def test_equal_scores_are_not_all_right():
    # A dead network gives every class the same score: it is wrong 9 times of 10.
    scores = np.zeros((10, 10))
    assert float(TopKError(1)(np.arange(10), scores)) == pytest.approx(0.9)
    assert float(TopKError(5)(np.arange(10), scores)) == pytest.approx(0.5)


NAN, INF = np.nan, np.inf


def directly(metric, labels, scores):
    metric.update_state(labels, scores)


def in_a_graph(metric, labels, scores):
    tf.function(metric.update_state)(tf.constant(labels), tf.constant(scores))


def in_xla(metric, labels, scores):
    compiled = tf.function(metric.update_state, jit_compile=True)
    compiled(tf.constant(labels), tf.constant(scores))


def in_evaluate(metric, labels, scores):
    inputs = keras.Input((len(scores[0]),))
    model = keras.Model(inputs, keras.layers.Activation("linear")(inputs))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(loss=loss, weighted_metrics=[metric], jit_compile=False)
    model.evaluate(np.array(scores), np.array(labels), verbose=0)


@pytest.mark.parametrize("k", [1, 5])
@pytest.mark.parametrize("way", [directly, in_a_graph, in_xla, in_evaluate])
def test_a_score_that_is_not_finite_is_never_right(way, k):
    """However it is compiled: a graph optimiser may turn comparisons round."""
    wrong = [
        [NAN, NAN, NAN],
        [NAN, 0.0, 0.0],  # the label's own
        [0.0, NAN, 0.0],  # another one: the softmax is NaN all over
        [INF, 0.0, 0.0],
        [0.0, INF, 0.0],
        [-INF, 0.0, -1.0],
        [-INF, -INF, -INF],
    ]
    right = [[1.0, -INF, -INF], [1.0, 0.5, 0.0]]  # classes may be ruled out
    metric = TopKError(k)
    way(metric, [0] * 9, np.array(wrong + right, np.float32))
    assert float(metric.result()) == pytest.approx(7 / 9)


@pytest.mark.parametrize("shape", [(6,), (6, 1)])
@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "float32"])
def test_labels_of_any_shape_and_type(shape, dtype):
    labels = np.array([0, 1, 2, 0, 1, 2], dtype).reshape(shape)
    scores = np.eye(3)[[0, 1, 2, 0, 2, 1]]
    assert float(TopKError()(labels, scores)) == pytest.approx(2 / 6)


def test_half_precision_scores():
    scores = keras.ops.cast([[0.0, 1.0], [1.0, 0.0]], "bfloat16")
    assert float(TopKError()([1, 1], scores)) == 0.5


def test_weights_of_images():
    metric = TopKError()
    metric.update_state([0, 0], np.eye(2), sample_weight=[3.0, 1.0])
    assert float(metric.result()) == 0.25


def test_inside_compile_it_goes_by_its_name():
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Activation("linear")(inputs))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    metrics = [TopKError(1, name="error"), TopKError(2, name="top2_error")]
    model.compile(loss=loss, metrics=metrics, jit_compile=False)
    scores = np.array([[3.0, 2, 1], [1, 3, 2], [2, 3, 1], [2, 1, 3]], np.float32)
    logs = model.evaluate(
        scores, np.array([0, 0, 0, 1]), batch_size=3, verbose=0, return_dict=True
    )
    assert logs["error"] == pytest.approx(3 / 4)
    assert logs["top2_error"] == pytest.approx(2 / 4)


def test_its_configuration_comes_back():
    metric = TopKError(3, name="top3_error")
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert isinstance(again, TopKError)
    assert (again.k, again.name) == (3, "top3_error")
