import numpy as np
import tensorflow as tf

from keras_alexnet.inference.probabilities import view_probabilities
from tests.reference import rounding_bound


def test_views_are_averaged_as_probabilities_not_logits():
    logits = tf.constant([[[4.0, 0.0], [-1.0, 0.0]]])
    flat = tf.reshape(logits, (2, 2))
    average = view_probabilities(lambda images, training: flat)
    got = average(tf.zeros((1, 2, 5, 5, 3))).numpy()
    softmax = np.exp(logits[0]) / np.exp(logits[0]).sum(-1, keepdims=True)
    limit = rounding_bound("float32", 2, steps=8)  # exp (2), its sum, two quotients
    np.testing.assert_allclose(got[0], softmax.mean(axis=0), rtol=limit)
    mean_of_logits = np.exp(1.5) / (np.exp(1.5) + 1)
    assert abs(got[0, 0] - mean_of_logits) > 0.05
