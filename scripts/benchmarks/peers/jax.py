"""JAX's training step of the network as it was run (`released`), compiled by XLA."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from scripts.benchmarks.answer import GROUPS, serve_subjects

Weights = dict[str, jax.Array]
Work = Callable[[], Any]


def step(job: dict, images: np.ndarray, labels: np.ndarray) -> tuple[Work, Work]:
    """Return a training step, which gives the loss, and the logits of the images."""

    def loss_of(weights, images, labels, key):
        logits = forward(weights, images, job, key)
        chosen = jax.nn.log_softmax(logits)[jnp.arange(len(labels)), labels]
        return -chosen.mean()

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def move(weights, velocities, key, *batch):
        key, own = jax.random.split(key)
        loss, gradients = jax.value_and_grad(loss_of)(weights, *batch, own)
        for name, gradient in gradients.items():
            is_bias = name.endswith("bias")
            rate = job["rate"] * (job["bias_rate"] if is_bias else 1.0)
            decay = 0.0 if is_bias else job["decay"]
            gradient = gradient + decay * weights[name]
            velocities[name] = 0.9 * velocities[name] - rate * gradient
        moved = {name: weights[name] + velocities[name] for name in weights}
        return moved, velocities, key, loss

    batch = jnp.asarray(images), jnp.asarray(labels)
    with np.load(job["weights"]) as file:
        weights = {name: jnp.asarray(file[name]) for name in file}
    now = [weights, jax.tree.map(jnp.zeros_like, weights), jax.random.key(0)]

    def train() -> float:
        *now[:], loss = move(*now, *batch)
        return float(jax.block_until_ready(loss))

    return train, lambda: np.asarray(forward(now[0], batch[0], job, None))


def forward(weights: Weights, images: jax.Array, job: dict, key: Any) -> jax.Array:
    """Compute logits float32; without a key as in evaluation."""
    kept = 1 - job["dropout"]
    x = images if job["precision"] == "float32" else images.astype(jnp.bfloat16)
    x = jax.nn.relu(_pool(_norm_towers(_convolve(x, weights, 1))))
    x = jax.nn.relu(_convolve(x, weights, 2))
    x = _pool(_norm_in_map(_norm_towers(x)))
    for number in (3, 4, 5):
        x = jax.nn.relu(_convolve(x, weights, number))
    x = _pool(x).reshape(len(x), -1)
    for number in (6, 7):
        x = jax.nn.relu(_dense(x, weights, number))
        if key is None:
            x = x * kept
        else:
            own = jax.random.fold_in(key, number)
            x = jnp.where(jax.random.bernoulli(own, kept, x.shape), x, 0)
    return _dense(x.astype(jnp.float32), weights, 8)


def _convolve(x: jax.Array, weights: Weights, number: int) -> jax.Array:
    kernel = weights[f"conv{number}/kernel"].astype(x.dtype)
    strides, padding = (1, 1), (kernel.shape[0] // 2,) * 2
    if number == 1:
        # Zeros until the last window fits: cuda-convnet's rounding up.
        strides, padding = (4, 4), (0, (11 - x.shape[1]) % 4)
    orders = {"dimension_numbers": ("NHWC", "HWIO", "NHWC")}
    orders["feature_group_count"] = GROUPS[number - 1]
    x = lax.conv_general_dilated(x, kernel, strides, (padding, padding), **orders)
    return x + weights[f"conv{number}/bias"].astype(x.dtype)


def _dense(x: jax.Array, weights: Weights, number: int) -> jax.Array:
    kernel, bias = weights[f"fc{number}/kernel"], weights[f"fc{number}/bias"]
    return x @ kernel.astype(x.dtype) + bias.astype(x.dtype)


def _pool(x: jax.Array) -> jax.Array:
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "VALID")


def _norm_towers(x: jax.Array) -> jax.Array:
    """Divide by the activity of five neighbours among the maps of a tower."""
    towers = x.reshape(*x.shape[:-1], 2, -1)
    return _divided(towers, (1, 1, 1, 1, 5), 2.0, 2e-5).reshape(x.shape)


def _norm_in_map(x: jax.Array) -> jax.Array:
    """Divide by the activity in the 5 x 5 pixels around, clipped at the border."""
    return _divided(x, (1, 5, 5, 1), 1.0, 4e-5)


def _divided(x: jax.Array, window: tuple, bias: float, alpha: float) -> jax.Array:
    wide, ones = x.astype(jnp.float32), (1,) * len(window)
    total = lax.reduce_window(wide * wide, 0.0, lax.add, window, ones, "SAME")
    return (wide / (bias + alpha * total) ** 0.75).astype(x.dtype)


if __name__ == "__main__":
    serve_subjects(step=step)
