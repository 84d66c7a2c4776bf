"""Dropout as the paper did it (section 4.2)."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("keras_alexnet")
class OriginalDropout(keras.layers.Layer):
    """Zero units in training and scale all of them otherwise.

    In training each unit is multiplied by 0 (with probability `rate`) or 1; in any
    other pass all are multiplied by `1 - rate`. `keras.layers.Dropout` instead doubles
    the survivors in training (for a rate of 0.5) and is the identity otherwise: the
    same family of functions, but with the paper's constants not the same training run.

    The mask is a function of `seed` and a counter of training passes alone (another one
    under XLA, whose generator differs). The counter is seed state: it is part of
    `variables` and not of `weights`.

    Args:
        rate: Float in [0, 1). Probability of zeroing a unit; the paper's is 0.5.
        seed: Integer or None. Two layers with the same seed draw the same masks.

    Input and output: float tensor of any shape.

    Reference: Krizhevsky et al. 2012, section 4.2.
    """

    def __init__(
        self, rate: float = 0.5, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"OriginalDropout needs 0 <= rate < 1. Received: {rate}")
        self.rate = rate
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        if not training:
            return inputs * (1.0 - self.rate)
        draw = tf.random.stateless_uniform(
            tf.shape(inputs), seed=tf.cast(self.seed_generator.next(), tf.int32)
        )
        return tf.where(draw >= self.rate, inputs, tf.zeros_like(inputs))

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
