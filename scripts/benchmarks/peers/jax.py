"""JAX's training step of the network as it was run (`released`), compiled by XLA."""

import os
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from scripts.benchmarks.answer import GROUPS, Task, labels, noise, serve

Weights = dict[str, jax.Array]


def prepare(job: dict[str, Any]) -> Task:
    """Make the step of a job on random pictures."""
    batch = jnp.asarray(noise(job)), jnp.asarray(labels(job))
    facts = {"jax": jax.__version__, "cores": len(os.sched_getaffinity(0))}
    return Task(Trainer(job, job["dropout"], *batch).step, facts)


def check(job: dict[str, Any]) -> np.ndarray:
    """Return the logits of the pictures after the job's steps without dropout."""
    batch = (jnp.asarray(np.load(job[name])) for name in ("images", "labels"))
    trainer = Trainer(job, 0.0, *batch)
    for _ in range(job["steps"]):
        trainer.step()
    dtype = compute_dtype(job)
    return np.asarray(forward(trainer.weights, trainer.images, dtype, 0.0, None))


class Trainer:
    """Weights, velocities and a batch; `step` moves the weights."""

    def __init__(
        self, job: dict[str, Any], dropout: float, images: jax.Array, labels: jax.Array
    ) -> None:
        with np.load(job["weights"]) as weights:
            self.weights = {name: jnp.asarray(weights[name]) for name in weights}
        self.velocities = jax.tree.map(jnp.zeros_like, self.weights)
        self.images, self.labels = images, labels
        self.key = jax.random.key(0)
        self._move = jax.jit(_mover(job, dropout), donate_argnums=(0, 1))

    def step(self) -> float:
        """Take one step and return the loss."""
        self.key, key = jax.random.split(self.key)
        self.weights, self.velocities, loss = self._move(
            self.weights, self.velocities, self.images, self.labels, key
        )
        return float(jax.block_until_ready(loss))


def _mover(job: dict[str, Any], dropout: float) -> Callable[..., Any]:
    dtype = compute_dtype(job)

    def loss_of(weights, images, labels, key):
        logits = forward(weights, images, dtype, dropout, key)
        chosen = jax.nn.log_softmax(logits)[jnp.arange(len(labels)), labels]
        return -chosen.mean()

    def move(weights, velocities, images, labels, key):
        loss, gradients = jax.value_and_grad(loss_of)(weights, images, labels, key)
        for name, gradient in gradients.items():
            is_bias = name.endswith("bias")
            rate = job["rate"] * (job["bias_rate"] if is_bias else 1.0)
            decay = 0.0 if is_bias else job["decay"]
            gradient = gradient + decay * weights[name]
            velocities[name] = 0.9 * velocities[name] - rate * gradient
        moved = {name: weights[name] + velocities[name] for name in weights}
        return moved, velocities, loss

    return move


def compute_dtype(job: dict[str, Any]) -> Any:
    """Return the dtype of convolutions and products; weights are float32."""
    return jnp.float32 if job["precision"] == "float32" else jnp.bfloat16


def forward(
    weights: Weights,
    images: jax.Array,
    dtype: Any,
    dropout: float,
    key: jax.Array | None,
) -> jax.Array:
    """Compute logits float32; without a key as in evaluation."""
    x = images.astype(dtype)
    for number in range(1, 6):
        x = _convolve(x, weights, number, dtype)
        x = _after(x, number)
    x = x.reshape(len(x), -1)
    for number in (6, 7):
        x = jax.nn.relu(_dense(x, weights, number, dtype))
        if key is None:
            x = x * (1 - dropout)
        else:
            kept = jax.random.bernoulli(
                jax.random.fold_in(key, number), 1 - dropout, x.shape
            )
            x = jnp.where(kept, x, 0)
    return _dense(x.astype(jnp.float32), weights, 8, jnp.float32)


def _convolve(x: jax.Array, weights: Weights, number: int, dtype: Any) -> jax.Array:
    kernel = weights[f"conv{number}/kernel"].astype(dtype)
    around = (kernel.shape[0] // 2,) * 2
    # Zeros until the last window fits: cuda-convnet's rounding up.
    first = (0, (11 - x.shape[1]) % 4)
    x = lax.conv_general_dilated(
        x,
        kernel,
        (4, 4) if number == 1 else (1, 1),
        (first, first) if number == 1 else (around, around),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=GROUPS[number - 1],
    )
    return x + weights[f"conv{number}/bias"].astype(dtype)


def _after(x: jax.Array, number: int) -> jax.Array:
    if number == 1:
        return jax.nn.relu(_pool(_norm_towers(x)))
    x = jax.nn.relu(x)
    if number == 2:
        return _pool(_norm_in_map(_norm_towers(x)))
    return _pool(x) if number == 5 else x


def _pool(x: jax.Array) -> jax.Array:
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "VALID")


def _norm_towers(x: jax.Array) -> jax.Array:
    """Divide by the activity of five neighbours among the maps of a tower."""
    towers = x.astype(jnp.float32).reshape(*x.shape[:-1], 2, -1)
    total = lax.reduce_window(
        towers * towers, 0.0, lax.add, (1, 1, 1, 1, 5), (1,) * 5, "SAME"
    )
    return (towers / (2 + 2e-5 * total) ** 0.75).reshape(x.shape).astype(x.dtype)


def _norm_in_map(x: jax.Array) -> jax.Array:
    """Divide by the activity in the 5 x 5 pixels around, clipped at the border."""
    wide = x.astype(jnp.float32)
    window = (1, 5, 5, 1)
    total = lax.reduce_window(wide * wide, 0.0, lax.add, window, (1,) * 4, "SAME")
    return (wide / (1 + 4e-5 * total) ** 0.75).astype(x.dtype)


def _dense(x: jax.Array, weights: Weights, number: int, dtype: Any) -> jax.Array:
    kernel, bias = weights[f"fc{number}/kernel"], weights[f"fc{number}/bias"]
    return x @ kernel.astype(dtype) + bias.astype(dtype)


if __name__ == "__main__":
    serve(prepare, check)
