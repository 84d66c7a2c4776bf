"""Error rates as the paper reports them (section 4.1)."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("keras_alexnet")
class TopKError(keras.metrics.Mean):
    """Fraction of images whose label is not among the `k` highest scores, in [0, 1].

    Args:
        k: Number of guesses; 1 and 5 in the paper. With fewer classes than `k` the
            error is 0.
        name: Metric name.
        **kwargs: As `keras.metrics.Mean`.
    """

    def __init__(self, k: int = 1, name: str = "error", **kwargs) -> None:
        super().__init__(name=name, **kwargs)
        self.k = k

    def update_state(self, labels, scores, sample_weight=None) -> None:
        labels = tf.cast(tf.reshape(labels, (-1,)), tf.int32)
        hits = tf.math.in_top_k(labels, tf.cast(scores, tf.float32), self.k)
        super().update_state(1.0 - tf.cast(hits, tf.float32), sample_weight)

    def get_config(self) -> dict:
        return {**super().get_config(), "k": self.k}
