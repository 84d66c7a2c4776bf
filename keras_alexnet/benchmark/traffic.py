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


def data_parallel_bytes(
    preset: Preset, replicas: int, num_classes: int = 1000
) -> dict[str, int]:
    """Return what a ring all-reduce of all gradients sends in one step, by layer.

    Each replica sends and receives the n-th part of it, 2 (n - 1) / n times the size of
    the gradients: (n - 1) / n to add them up and (n - 1) / n to hand the sums round.
    Returned is what all replicas send together, whatever the batch.
    """
    table = layer_table(preset, num_classes)
    copies = 2 * (replicas - 1) * FLOAT32
    return {name: copies * layer.parameters for name, layer in table.items()}


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
        dtype: Of activations, one of `ITEM_BYTES`.
        num_classes: Outputs of fc8.

    Returns:
        Bytes that all workers together send, by what crosses.

    Raises:
        ValueError: A batch that the workers cannot share.
    """
    share_of_batch(batch_size, workers)
    table = layer_table(preset, num_classes)
    gradients = data_parallel_bytes(preset, workers, num_classes)
    copies = (workers - 1) * batch_size
    item = copies * ITEM_BYTES[dtype]
    readers = {"pool5": "fc6", "fc6": "fc7", "fc7": "fc8"}
    forward = {name: item * table[fc].inputs for name, fc in readers.items()}
    return {
        "convolutions": sum(gradients[name] for name in CONV_LAYERS),
        **forward,
        **{f"gradient of {name}": size for name, size in forward.items()},
        "softmax": workers * copies * SOFTMAX_SCALARS * FLOAT32,
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
        ValueError: A batch that does not divide.
    """
    own = share_of_batch(batch_size, workers)
    image = layer_table(preset)["fc6"].inputs * ITEM_BYTES[dtype]
    part = share_of_batch(own, workers) if scheme == "c" else own
    count, held = (1, batch_size) if scheme == "a" else (workers, own)
    return Rounds(count, (workers - 1) * part * image, held * image)


def share_of_batch(batch_size: int, workers: int) -> int:
    """Return a worker's share, or raise ValueError if the batch does not divide."""
    if workers < 1 or batch_size < 1 or batch_size % workers:
        raise ValueError(
            f"Expected a batch that {workers} workers can share evenly, got "
            f"{batch_size}. Take a multiple of {workers}."
        )
    return batch_size // workers
