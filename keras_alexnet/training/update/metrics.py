"""Error rates as the paper reports them (section 4.1)."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("keras_alexnet")
class TopKError(keras.metrics.Mean):
    """Fraction of images whose label is not among the `k` highest scores, in [0, 1].

    Of equal scores the first class is the better guess, so that a dead network, which
    scores every class the same, is not right about them all. An image is wrong whatever
    `k` is if one of its scores is NaN or plus infinity, or that of its label is minus
    infinity: the softmax gives no probability then.

    Args:
        k: Number of guesses; 1 and 5 in the paper. With no more classes than `k` the
            error is 0, but for such images.
        name: Metric name.
        **kwargs: As `keras.metrics.Mean`.
    """

    def __init__(self, k: int = 1, name: str = "error", **kwargs) -> None:
        super().__init__(name=name, **kwargs)
        self.k = k

    def update_state(self, labels, scores, sample_weight=None) -> None:
        # Not int32, of which TensorFlow computes sums and slices on a GPU's host.
        labels = tf.cast(tf.reshape(labels, (-1,)), tf.int64)
        scores = tf.convert_to_tensor(scores)
        own = tf.gather(scores, labels, axis=1, batch_dims=1)[:, None]
        classes = tf.cast(tf.range(tf.shape(scores)[1]), tf.int64)
        earlier = classes < labels[:, None]
        better = (scores > own) | (earlier & (scores == own))
        rank = tf.reduce_sum(tf.cast(better, tf.float32), axis=1)
        # Asked for by name: comparisons with NaN are false, and TensorFlow's optimiser
        # of graphs takes `not (a <= b)` for `a > b`.
        lost = tf.math.is_nan(scores) | (tf.math.is_inf(scores) & (scores > 0))
        lost = tf.reduce_any(lost, axis=1) | ~tf.math.is_finite(own[:, 0])
        wrong = (rank >= self.k) | lost
        super().update_state(tf.cast(wrong, tf.float32), sample_weight)

    def get_config(self) -> dict:
        return {**super().get_config(), "k": self.k}
