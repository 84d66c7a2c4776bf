"""How much arithmetic a network asks for, and how much the machine can do."""

import statistics
import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

MATRIX_SIDE = 4096
MATRIX_OPERATIONS = 2 * MATRIX_SIDE**3


def forward_macs(model: keras.Model) -> dict[str, int]:
    """Return multiply-accumulates of a forward pass of one image, layer by layer.

    For the two-tower nets they add up to 724,406,816, of which conv1 has 105,415,200.
    """
    macs = {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense):
            places = int(np.prod(layer.output.shape[1:-1]))
            macs[layer.name] = places * int(np.prod(layer.kernel.shape))
    return macs


def step_operations(model: keras.Model) -> int:
    """Return floating-point operations of a training step for one image.

    Forward, gradient of the inputs and gradient of the weights cost the same, two
    operations a multiply-accumulate; the images themselves need no gradient.
    """
    macs = forward_macs(model)
    return 2 * (3 * sum(macs.values()) - next(iter(macs.values())))


def matrix_product(dtype: str) -> Callable[[], tf.Tensor]:
    """Return a 4096 x 4096 matrix product to be timed; `MATRIX_OPERATIONS` a call."""
    side = (MATRIX_SIDE, MATRIX_SIDE)
    factors = [tf.cast(tf.random.stateless_normal(side, (0, i)), dtype) for i in (1, 2)]
    product = tf.function(tf.linalg.matmul)
    return lambda: product(*factors)[0, 0]


def seconds_of(work: Callable[[], tf.Tensor]) -> float:
    """Return how long one call takes; reading its scalar waits for the computation."""
    start = time.perf_counter()
    float(work())
    return time.perf_counter() - start


def median_ratio(numerators: list[float], denominators: list[float]) -> float:
    """Return the median of the ratios of neighbouring measurements."""
    pairs = zip(numerators, denominators, strict=True)
    return statistics.median(a / b for a, b in pairs)
