"""Dropout as the paper did it, and as it is done now, with masks by global row."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_alexnet.layers.kernel_forms import compiled_by_xla, current_forms

Columns = tuple[int, int]
_PHILOX = 1  # TensorFlow's number of the generator
_SCRAMBLE = 0x02461E29_3EC8F720  # key that TensorFlow scrambles seeds with
# Type of the numbers -> length of its mantissa in bits, and the integer of its size.
_MANTISSAS = {
    tf.float32: (23, tf.uint32),
    tf.bfloat16: (7, tf.uint16),
    tf.float16: (10, tf.uint16),
}


@keras.saving.register_keras_serializable("keras_alexnet")
class OriginalDropout(keras.layers.Layer):
    """Zero units in training and scale all of them otherwise.

    In training each unit is multiplied by 0 (with probability `rate`) or 1; in any
    other pass all are multiplied by `1 - rate`. `keras.layers.Dropout` instead doubles
    the survivors in training (for a rate of 0.5) and is the identity otherwise: the
    same family of functions, but with the paper's constants not the same training run.

    The mask is a function of `seed` and a counter of training passes alone, compiled by
    XLA or not. The counter is seed state: it is part of
    `variables` and not of `weights`. Under a `tf.distribute` strategy a replica takes
    its own rows of the mask of the global batch, so that training has the same masks
    whatever the number of replicas; all replicas must have equally many rows.

    Args:
        rate: Float in [0, 1). Probability of zeroing a unit; the paper's is 0.5.
        seed: Integer or None. Two layers with the same seed draw the same masks.
        columns: Pair `(first, total)` where the input is a part of a wider layer, as in
            a tower: the mask is that of the units (or maps, the last axis) from `first`
            on in a layer of `total`. None is the whole layer.

    Input and output: float tensor of any shape.

    Reference: Krizhevsky et al. 2012, section 4.2.
    """

    def __init__(
        self,
        rate: float = 0.5,
        seed: int | None = None,
        columns: Columns | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"OriginalDropout needs 0 <= rate < 1. Received: {rate}")
        self.rate = rate
        self.seed = seed
        self.columns = _checked(columns)
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        if not training:
            return inputs * (1.0 - self.rate)
        draw = draw_mask(inputs, self.seed_generator, self.columns, tf.float32)
        return tf.where(draw >= self.rate, inputs, tf.zeros_like(inputs))

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        own = {"rate": self.rate, "seed": self.seed, "columns": self.columns}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("keras_alexnet")
class InvertedDropout(keras.layers.Dropout):
    """`keras.layers.Dropout` whose replicas share one mask over the global batch.

    On one replica it equals `keras.layers.Dropout` bit by bit. Under a `tf.distribute`
    strategy that one gives every replica the same mask; this one gives each its own
    rows of the mask that one replica would have drawn for the global batch.

    Args:
        rate: Float in [0, 1). Probability of zeroing a unit.
        noise_shape: As in `keras.layers.Dropout`, the shape of the mask with all axes
            of the input: 1 where they share it, None for their length. The first is
            that of a replica's batch.
        seed: Integer or None. Two layers with the same seed draw the same masks.
        columns: As in `OriginalDropout`.
        **kwargs: As `keras.layers.Layer`.

    Input and output: float tensor of any shape.
    """

    def __init__(
        self,
        rate: float = 0.5,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        columns: Columns | None = None,
        **kwargs: Any,
    ) -> None:
        if not 0 <= rate < 1:
            raise ValueError(f"InvertedDropout needs 0 <= rate < 1. Received: {rate}")
        super().__init__(rate, noise_shape, seed, **kwargs)
        self.columns = _checked(columns)

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        if not training or self.rate == 0:
            return inputs
        draw = draw_mask(
            inputs, self.seed_generator, self.columns, inputs.dtype, self.noise_shape
        )
        scaled = inputs * tf.cast(1 / (1 - self.rate), inputs.dtype)
        return tf.where(draw >= self.rate, scaled, tf.zeros_like(inputs))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "columns": self.columns}


def draw_mask(
    inputs: tf.Tensor,
    generator: keras.random.SeedGenerator,
    columns: Columns | None,
    dtype: tf.DType,
    noise_shape: tuple[int | None, ...] | None = None,
) -> tf.Tensor:
    """Return a uniform number in [0, 1) for each unit of this replica's rows.

    Advances the generator. Each replica draws the numbers of the whole global batch,
    which costs little beside the layers whose units these are.

    Args:
        inputs: Tensor whose first axis is the replica's rows of the global batch.
        generator: Seed and counter; the same on all replicas.
        columns: As in `OriginalDropout`.
        dtype: Float type of the draw.
        noise_shape: As in `InvertedDropout`.

    Raises:
        ValueError: `noise_shape` has not the axes of the input.
    """
    shape = _mask_shape(inputs, noise_shape)
    seed = tf.cast(generator.next(), tf.int32)
    context = tf.distribute.get_replica_context()
    replicas = 1 if context is None else context.num_replicas_in_sync
    if replicas == 1 and columns is None:
        return _uniform(shape, seed, dtype)
    rows, *inner, width = tf.unstack(shape)
    shared_rows, shared_width = (_is_one(noise_shape, axis) for axis in (0, -1))
    first, total = (0, width) if columns is None or shared_width else columns
    whole = tf.stack([rows if shared_rows else rows * replicas, *inner, total])
    draw = _uniform(whole, seed, dtype)
    if replicas > 1 and not shared_rows:
        replica = context.replica_id_in_sync_group
        draw = draw[replica * rows : (replica + 1) * rows]
    return draw[..., first : first + width]


def _uniform(shape: tf.Tensor, seed: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Return `tf.random.stateless_uniform`: the same numbers on GPUs and under XLA.

    XLA draws the same bits and makes other numbers of them. As TensorFlow does it, the
    lowest of them are the mantissa of a number in [1, 2). Not so for float64.
    """
    if not compiled_by_xla() or dtype not in _MANTISSAS:
        if current_forms().host_seeds:
            return tf.random.stateless_uniform(shape, seed=seed, dtype=dtype)
        key, counter = _key_and_counter(seed)
        return tf.raw_ops.StatelessRandomUniformV2(
            shape=shape, key=key, counter=counter, alg=_PHILOX, dtype=dtype
        )
    bits = tf.random.stateless_uniform(
        shape, seed, minval=None, maxval=None, dtype=tf.uint32, alg="philox"
    )
    mantissa, whole = _MANTISSAS[dtype]
    words = bits & tf.constant(2**mantissa - 1, tf.uint32)
    one = tf.bitcast(tf.constant(1, dtype), whole)
    return tf.bitcast(tf.cast(words, whole) | one, dtype) - tf.constant(1, dtype)


def _key_and_counter(seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return what TensorFlow derives from a seed, on the device that has the seed.

    Its own operation, StatelessRandomGetKeyCounter, is the host's. As that does it, one
    block of Philox under a fixed key scrambles the seed: half of it is the key, half
    the upper half of the counter.
    """
    counter = tf.bitcast(tf.cast(seed, tf.int64), tf.uint64)
    block = tf.raw_ops.StatelessRandomUniformFullIntV2(
        shape=[2, 2],
        key=tf.constant([_SCRAMBLE], tf.uint64),
        counter=counter,
        alg=_PHILOX,
        dtype=tf.uint32,
    )
    halves = tf.bitcast(block, tf.int64)  # GPUs slice no uint64
    key, high = halves[:1], halves[1:]
    counter = tf.concat([tf.zeros_like(high), high], axis=0)
    return tf.bitcast(key, tf.uint64), tf.bitcast(counter, tf.uint64)


def _mask_shape(
    inputs: tf.Tensor, noise_shape: tuple[int | None, ...] | None
) -> tf.Tensor:
    if noise_shape is None:
        return tf.shape(inputs)
    if len(noise_shape) != inputs.shape.rank:
        raise ValueError(
            f"Dropout needs a noise_shape of {inputs.shape.rank} axes, those of the "
            f"input {tuple(inputs.shape)}. Received: {noise_shape}"
        )
    own = tf.unstack(tf.shape(inputs))
    pairs = zip(noise_shape, own, strict=True)
    return tf.stack([length if size is None else size for size, length in pairs])


def _is_one(noise_shape: tuple[int | None, ...] | None, axis: int) -> bool:
    return noise_shape is not None and noise_shape[axis] == 1


def _checked(columns: Columns | None) -> Columns | None:
    if columns is None:
        return None
    first, total = columns
    if not 0 <= first < total:
        raise ValueError(
            f"Dropout columns are (first, total), 0 <= first < total. Received: "
            f"{tuple(columns)}"
        )
    return first, total
