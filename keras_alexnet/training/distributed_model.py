"""A Keras model for `fit` with towers, several replicas, or several machines.

This file alone overrides methods of Keras' models that are private, or that reach into
what is: `_maybe_symbolic_build`, `train_step` and `test_step` with `_compute_loss` and
`_loss_tracker`. Keras 3.15 cannot `fit` under `MultiWorkerMirroredStrategy` without
(keras issue 20585). tests/training/test_keras_sources.py fails when Keras changes what
stands behind them; setup.cfg bounds Keras to a minor release for the same reason.
"""

from typing import Any

import keras
import tensorflow as tf
from keras.src.losses.loss import unscale_loss_for_distribution

Logs = dict[str, tf.Tensor]


class DistributedModel(keras.Model):
    """A classifier that trains the same on one device, on many, and in towers.

    Made as `DistributedModel(network.input, network.output, name=network.name)` in the
    scope of the strategy, if any. On one device it is a plain `keras.Model`.

    A third element of a batch are the weights of its pictures, 0 for those that only
    fill it up; loss and weighted metrics are then means over the weight.

    Attributes:
        colocate: Whether backward work runs where the forward work did, as towers need.
            A gradient tape would put all of it on the first device. Not with
            `run_eagerly`.
    """

    colocate = False

    def train_step(self, data: Any) -> Logs:
        if not self.colocate:
            return self._logs(super().train_step(data))
        images, labels = data
        scores = self(images, training=True)
        loss = self._compute_loss(x=images, y=labels, y_pred=scores, training=True)
        rows = tf.shape(images)[0]
        self._loss_tracker.update_state(
            unscale_loss_for_distribution(loss), sample_weight=rows
        )
        weights = self.trainable_weights
        gradients = tf.compat.v1.gradients(
            self.optimizer.scale_loss(loss),
            [weight.value for weight in weights],
            colocate_gradients_with_ops=True,
        )
        if tf.distribute.has_strategy():
            # To be reduced between replicas a gradient needs a device that is named.
            gradients = [tf.identity(gradient) for gradient in gradients]
        self.optimizer.apply_gradients(zip(gradients, weights, strict=True))
        return self._logs(self.compute_metrics(images, labels, scores))

    def test_step(self, data: Any) -> Logs:
        if len(data) == 2:
            return self._logs(super().test_step(data))
        images, labels, weights = data
        scores = self(images, training=False)
        loss = self._compute_loss(
            x=images, y=labels, y_pred=scores, sample_weight=weights, training=False
        )
        # Keras divides by the rows of the batch, whatever they weigh.
        rows = tf.cast(tf.shape(images)[0], loss.dtype)
        total = tf.reduce_sum(tf.cast(weights, loss.dtype))
        mean = tf.math.divide_no_nan(unscale_loss_for_distribution(loss) * rows, total)
        self._loss_tracker.update_state(mean, sample_weight=total)
        return self._logs(
            self.compute_metrics(images, labels, scores, sample_weight=weights)
        )

    def _logs(self, logs: Logs) -> Logs:
        """Give each number an axis where Keras will take the mean over axis 0."""
        strategy = self.distribute_strategy
        if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
            return logs
        return {name: tf.reshape(value, (1,)) for name, value in logs.items()}

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None):
        """Build loss and metrics from the network's shapes.

        Keras would read a batch for it, which fails with several workers, and with one
        fills the shuffle buffer only to throw it away.
        """
        if self._distribute_strategy is None:
            return
        images = keras.KerasTensor((1, *self.input_shape[1:]), self.input.dtype)
        labels = keras.KerasTensor((1,), "int64")
        with self._distribute_strategy.scope():
            self._symbolic_build(data_batch=(images, labels))
