"""Bytes that replicas send each other in one training step, from the layer table.

Data parallel, and the hybrid of Krizhevsky 2014. What two towers send each other is in
`keras_alexnet.towers.crossings`.
"""

from dataclasses import dataclass
from typing import Literal

from keras_alexnet.models.layer_table import CONV_LAYERS, layer_table
from keras_alexnet.presets import Preset

Scheme = Literal["a", "b", "c"]

# Bytes of an activation and of its gradient. Gradients of weights are float32 always.
ITEM_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
FLOAT32 = ITEM_BYTES["float32"]
SOFTMAX_SCALARS = 2  # a worker's largest logit and its sum of exponentials


def parameter_bytes(preset: Preset, num_classes: int = 1000) -> dict[str, int]:
    """Return the bytes of the float32 gradients, layer by layer."""
    table = layer_table(preset, num_classes)
    return {name: FLOAT32 * layer.parameters for name, layer in table.items()}


def data_parallel_bytes(
    preset: Preset, replicas: int, num_classes: int = 1000
) -> dict[str, int]:
    """Return what a ring all-reduce of all gradients sends in one step.

    Each replica sends and receives the n-th part of it, 2 (n - 1) / n times the size of
    the gradients: (n - 1) / n to add them up and (n - 1) / n to hand the sums round.

    Returns:
        Bytes that all replicas together send, by layer. Neither the batch nor the dtype
        of the activations matters.

    Raises:
        ValueError: Fewer than one replica.
    """
    _check_count("replicas", replicas)
    return {
        name: 2 * (replicas - 1) * size
        for name, size in parameter_bytes(preset, num_classes).items()
    }


def hybrid_bytes(
    preset: Preset,
    workers: int,
    batch_size: int,
    dtype: str = "float32",
    num_classes: int = 1000,
) -> dict[str, int]:
    """Return what the hybrid of Krizhevsky 2014 sends in one step, whatever the scheme.

    Data parallel convolutions: a ring all-reduce of their gradients. Model parallel
    dense layers: a worker has the n-th part of the units of each and works on the whole
    batch, so that every worker needs all activations that a dense layer reads, and adds
    up its share of their gradients. For the softmax each worker tells the others, in
    float32, its largest logit and its sum of exponentials for every image.

    Args:
        preset: Any network.
        workers: Devices, n.
        batch_size: Images in a step of all workers together.
        dtype: Of activations: float32, bfloat16 or float16.
        num_classes: Outputs of fc8.

    Returns:
        Bytes that all workers together send, by what crosses: `convolutions`, `pool5`,
        `fc6`, `fc7`, their gradients, and `softmax`.

    Raises:
        ValueError: Fewer than one worker, a batch that they cannot share, or another
            dtype.
    """
    share_of_batch(batch_size, workers)
    table = layer_table(preset, num_classes)
    gradients = data_parallel_bytes(preset, workers, num_classes)
    copies = (workers - 1) * batch_size * _item_bytes(dtype)
    forward = {
        "pool5": copies * table["fc6"].inputs,
        "fc6": copies * table["fc7"].inputs,
        "fc7": copies * table["fc8"].inputs,
    }
    scalars = SOFTMAX_SCALARS * FLOAT32
    return {
        "convolutions": sum(gradients[name] for name in CONV_LAYERS),
        **forward,
        **{f"gradient of {name}": size for name, size in forward.items()},
        "softmax": workers * (workers - 1) * batch_size * scalars,
    }


@dataclass(frozen=True)
class Rounds:
    """How a scheme of the hybrid brings the inputs of fc6 to every worker."""

    count: int  # rounds in a step: forward and backward through the dense layers each
    # Bytes that the busiest worker sends forward in a round, a copy for each of the
    # others; gradients come back the same way.
    sent: int
    held: int  # bytes of these inputs that a worker holds at a time


def scheme_rounds(
    preset: Preset,
    workers: int,
    batch_size: int,
    scheme: Scheme,
    dtype: str = "float32",
) -> Rounds:
    """Return the rounds of one of the three schemes of Krizhevsky 2014, section 4.

    With b images a worker, n workers, B = n b:

    - a: all send all at once, and the dense layers see one batch of B.
    - b: one worker after the other sends its b images: n rounds of b.
    - c: all send the n-th part of their images: n rounds of b.

    Raises:
        ValueError: An unknown scheme, or a batch that does not divide.
    """
    own = share_of_batch(batch_size, workers)
    image = layer_table(preset)["fc6"].inputs * _item_bytes(dtype)
    if scheme == "a":
        return Rounds(1, (workers - 1) * own * image, batch_size * image)
    if scheme == "b":
        return Rounds(workers, (workers - 1) * own * image, own * image)
    if scheme == "c":
        part = share_of_batch(own, workers)
        return Rounds(workers, (workers - 1) * part * image, own * image)
    raise ValueError(f"Expected scheme a, b or c, got {scheme!r}.")


def even_batch(
    preset: Preset, dtype: str = "float32", num_classes: int = 1000
) -> float:
    """Return the batch of all workers at which hybrid and data parallel send the same.

    Below it the hybrid sends less, whatever the number of workers (its softmax, some
    hundredths of a percent, is left out): float32 takes 3,368 images for 1000 classes.
    """
    table = layer_table(preset, num_classes)
    dense = [table[name] for name in ("fc6", "fc7", "fc8")]
    gradients = FLOAT32 * sum(layer.parameters for layer in dense)
    return gradients / (_item_bytes(dtype) * sum(layer.inputs for layer in dense))


def share_of_batch(batch_size: int, workers: int) -> int:
    """Return a worker's share, or raise ValueError if the batch does not divide."""
    _check_count("workers", workers)
    if batch_size < 1 or batch_size % workers:
        raise ValueError(
            f"Expected a batch that {workers} workers can share evenly, got "
            f"{batch_size}. Take a multiple of {workers}."
        )
    return batch_size // workers


def _check_count(what: str, count: int) -> None:
    if count < 1:
        raise ValueError(f"Expected one or more {what}, got {count}.")


def _item_bytes(dtype: str) -> int:
    if dtype not in ITEM_BYTES:
        raise ValueError(
            f"Expected activations of {', '.join(ITEM_BYTES)}, got {dtype!r}."
        )
    return ITEM_BYTES[dtype]
