"""A Keras model for `fit` with towers, several replicas, or several machines.

This file alone overrides methods of Keras' models that are private, or that reach into
what is: `_maybe_symbolic_build`, `train_step` and `test_step` with `_compute_loss` and
`_loss_tracker`, `make_train_function`. Keras 3.15 cannot `fit` under
`MultiWorkerMirroredStrategy` without (keras issue 20585).
tests/keras_alexnet/training/devices/test_distributed_model.py fails when Keras changes
what stands behind them; setup.cfg bounds Keras to a minor release for the same reason.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.src.backend.tensorflow.trainer import reduce_per_replica
from keras.src.losses.loss import unscale_loss_for_distribution

from keras_alexnet.data import PixelBatch
from keras_alexnet.towers.devices import device_scope
from keras_alexnet.training.devices.step_loop import Logs, StepLoop


@keras.saving.register_keras_serializable("keras_alexnet")
class DistributedModel(keras.Model):
    """A classifier that trains the same on one device, on many, and in towers.

    Made as `DistributedModel(network.input, network.output, name=network.name)` in the
    scope of the strategy, if any. On one device it is a plain `keras.Model`.

    A `PixelBatch` gets its mean and colour in the step, on the device that reads it: of
    two towers each on its own, so that nothing more goes between them. Batches of float
    images are taken as they are.

    A third element of a batch are the weights of its pictures, 0 for those that only
    fill it up; loss and weighted metrics are then means over the weight.

    Attributes:
        mean: float32 `(side, side, 3)`, what is subtracted from `PixelBatch`.
        class_weights: float32 `(classes,)`, what the loss of a picture is multiplied by
            in training, by its label; None for none. Metrics are not weighted, nor is
            the loss of an evaluation. To be set before the first step.
        trunk: The frozen layers before this model, where what they make of pictures is
            computed once and given instead of pictures; None where there are none.
        towers: Device of each input, where there is one for each tower: a pair for each
            replica of this process, in turn.
        colocate: Whether backward work runs where the forward work did, as towers need.
            A gradient tape would put all of it on the first device. Not with
            `run_eagerly`.
        step_loop: What takes the steps of `fit` in groups; None leaves it to Keras.
        compiled_replicas: Whether XLA compiles what each replica computes. Under a
            strategy it cannot compile the step, whose variables are on other devices
            too; it compiles what becomes of their values.
    """

    mean: np.ndarray
    class_weights: np.ndarray | None = None
    trunk: Any = None
    towers: tuple[str, ...] = ()
    colocate = False
    compiled_replicas = False
    step_loop: StepLoop | None = None

    @property
    def uses_xla(self) -> bool:
        """Whether XLA compiles a training step, or what each replica does in it."""
        return bool(self.jit_compile) or self.compiled_replicas

    @property
    def pending_steps(self) -> int:
        """Steps that `fit` has counted and that are still to be taken."""
        return 0 if self.step_loop is None else self.step_loop.pending

    def group_steps(self, size: int, ends_here: Callable[[], bool]) -> None:
        """Let `fit` take steps in groups from now on; see `StepLoop`."""
        self.step_loop = StepLoop(self._step_of_all(), size, ends_here)

    def make_train_function(self, force: bool = False) -> Any:
        """As Keras, unless steps come in groups."""
        if self.step_loop is None:
            return super().make_train_function(force)
        self.train_function = self.step_loop
        return self.train_function

    def _step_of_all(self) -> Callable[[Any], Logs]:
        """Return what takes a step of all replicas, and gives what Keras logs."""

        def step(data: Any) -> Logs:
            logs = self.distribute_strategy.run(self.train_step, args=(data,))
            return reduce_per_replica(logs, self.distribute_strategy, "auto")

        return tf.function(step, autograph=False, jit_compile=self.jit_compile)

    def train_step(self, data: Any) -> Logs:
        if self.compiled_replicas:
            return self._logs(self._compiled_train_step(*data))
        data = (self._network_inputs(data[0]), *data[1:])
        if not self.colocate:
            return self._logs(super().train_step(data))
        images, labels = data
        scores = self(images, training=True)
        loss = self._compute_loss(x=images, y=labels, y_pred=scores, training=True)
        gradients = tf.compat.v1.gradients(
            self.optimizer.scale_loss(loss),
            [weight.value for weight in self.trainable_weights],
            colocate_gradients_with_ops=True,
        )
        return self._logs(self._learn(labels, scores, loss, gradients))

    def _compiled_train_step(self, pictures: Any, labels: tf.Tensor) -> Logs:
        """Take a step of which XLA compiles what is between reading and writing.

        It must not touch a variable: weights and counters go in as tensors, gradients
        and counters come out.
        """

        # Of each replica its own: it holds the number of the replica.
        @tf.function(jit_compile=True, autograph=False)
        def gradients_of(weights, others, scale, pictures, labels):
            images = self._network_inputs(pictures)
            with tf.GradientTape() as tape:
                tape.watch(weights)
                scores, others = self.stateless_call(
                    weights, others, images, training=True
                )
                loss = self._compute_loss(
                    x=images, y=labels, y_pred=scores, training=True
                )
                scaled = loss * scale
            return scores, loss, tape.gradient(scaled, weights), others

        counters = self.non_trainable_variables
        weights, others = (
            [tf.convert_to_tensor(variable.value) for variable in variables]
            for variables in (self.trainable_variables, counters)
        )
        scale = self.optimizer.scale_loss(tf.constant(1.0))
        scores, loss, gradients, others = gradients_of(
            weights, others, scale, pictures, labels
        )
        for counter, value in zip(counters, others, strict=True):
            counter.assign(value)
        return self._learn(labels, scores, loss, gradients)

    def _learn(
        self,
        labels: tf.Tensor,
        scores: tf.Tensor,
        loss: tf.Tensor,
        gradients: list[tf.Tensor],
    ) -> Logs:
        """Update weights and metrics, and return what Keras logs."""
        rows = tf.shape(labels)[0]
        self._loss_tracker.update_state(
            unscale_loss_for_distribution(loss), sample_weight=rows
        )
        if tf.distribute.has_strategy():
            # To be reduced between replicas a gradient needs a device that is named.
            gradients = [tf.identity(gradient) for gradient in gradients]
        weights = self.trainable_weights
        self.optimizer.apply_gradients(zip(gradients, weights, strict=True))
        return self.compute_metrics(None, labels, scores)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> tf.Tensor:
        """As Keras, with the weights of the classes in training.

        Each is a factor of its picture: the loss is divided by the pictures of the
        batch, not by their weight, so that replicas add up to what one device has.
        """
        if training and self.class_weights is not None:
            weights = tf.gather(tf.constant(self.class_weights, tf.float32), y)
            sample_weight = weights * (1.0 if sample_weight is None else sample_weight)
        return super().compute_loss(x, y, y_pred, sample_weight, training)

    def test_step(self, data: Any) -> Logs:
        data = (self._network_inputs(data[0]), *data[1:])
        if len(data) == 2:
            return self._logs(super().test_step(data))
        images, labels, weights = data
        scores = self(images, training=False)
        loss = self._compute_loss(
            x=images, y=labels, y_pred=scores, sample_weight=weights, training=False
        )
        # Keras divides by the rows of the batch, whatever they weigh.
        rows = tf.cast(tf.shape(labels)[0], loss.dtype)
        total = tf.reduce_sum(tf.cast(weights, loss.dtype))
        mean = tf.math.divide_no_nan(unscale_loss_for_distribution(loss) * rows, total)
        self._loss_tracker.update_state(mean, sample_weight=total)
        return self._logs(
            self.compute_metrics(images, labels, scores, sample_weight=weights)
        )

    def _network_inputs(
        self, pictures: tf.Tensor | PixelBatch
    ) -> tf.Tensor | list[tf.Tensor]:
        """Return what the network takes: an input, or one for each tower."""

        def images(tower: int) -> tf.Tensor:
            if not isinstance(pictures, PixelBatch):
                return pictures
            with device_scope(self.towers[tower::2]):
                return pictures.normalized(self.mean)

        inputs = [images(tower) for tower in range(len(self.inputs))]
        return inputs if len(inputs) > 1 else inputs[0]

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
        images = tf.nest.map_structure(
            lambda each: keras.KerasTensor((1, *each.shape[1:]), each.dtype), self.input
        )
        labels = keras.KerasTensor((1,), "int64")
        with self._distribute_strategy.scope():
            self._symbolic_build(data_batch=(images, labels))
