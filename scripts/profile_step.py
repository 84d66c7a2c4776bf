#!/usr/bin/env python
"""Profile a training step: the time of each kind of operation.

    python scripts/profile_step.py --precision mixed_bfloat16 [--json FILE]

Takes TensorFlow's profiler over one step of the network on random pictures, operations
one after the other so that their times add up (with more than one at a time a step is
some tenth faster), and prints kinds of operation with their number and time.
"""

import json
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tyro

from tfrecords.files import write_atomically
from tfrecords.tables import Console, Table

WARM_UP = 4  # steps


@dataclass(frozen=True)
class Options:
    """Profile a training step."""

    precision: Literal["float32", "mixed_bfloat16"] = "float32"
    """Arithmetic."""
    batch_size: int = 128
    """Images in the step."""
    preset: str = "released"
    """Network."""
    classes: int = 1000
    """Its outputs."""
    input_size: int | None = None
    """Side of the pictures in pixels; None: the preset's."""
    units: int | None = None
    """Units of fc6 and fc7; None: the preset's."""
    rows: int = 30
    """Kinds of operation to print; the file has all."""
    json: Path | None = None
    """Write the figures to this file."""


@dataclass(frozen=True)
class Kind:
    """All operations of one kind in a step.

    Attributes:
        name: Of the kernel, such as `_MklNativeFusedConv2D`.
        count: How many there are.
        seconds: Of all together.
    """

    name: str
    count: int
    seconds: float


def main(options: Options) -> int:
    """Profile, print a table, and write the figures if a file was asked for."""
    with tempfile.TemporaryDirectory() as folder:
        seconds = _trace(options, folder)
        kinds = summarize(_events(Path(folder)))
    table = Table("operation", "count", "ms", "share")
    for kind in kinds[: options.rows]:
        share = f"{kind.seconds / seconds:.1%}"
        table.add_row(kind.name, str(kind.count), f"{1e3 * kind.seconds:.1f}", share)
    Console().print(f"step: {1e3 * seconds:.0f} ms", table)
    if options.json:
        document = {
            "precision": options.precision,
            "batch_size": options.batch_size,
            "step_seconds": seconds,
            "operations": [vars(kind) for kind in kinds],
        }
        write_atomically(options.json, (json.dumps(document, indent=1) + "\n").encode())
    return 0


def summarize(events: list[tuple[str, float]]) -> list[Kind]:
    """Add up `(operation:kind, seconds)`, longest kind first."""
    seconds: dict[str, list[float]] = defaultdict(list)
    for name, duration in events:
        operation, _, kind = name.rpartition(":")
        # The others are events of the runtime, such as `ThreadpoolListener::Record`.
        if operation and kind.isidentifier() and not operation.endswith(":"):
            seconds[kind].append(duration)
    kinds = [Kind(kind, len(each), sum(each)) for kind, each in seconds.items()]
    return sorted(kinds, key=lambda kind: -kind.seconds)


def _trace(options: Options, folder: str) -> float:
    """Profile a step into a folder and return how long it took."""
    import tensorflow as tf

    from keras_alexnet.benchmark.operations import seconds_of

    tf.config.threading.set_inter_op_parallelism_threads(1)
    step = _step(options)
    for _ in range(WARM_UP):
        step()
    tf.profiler.experimental.start(folder)
    seconds = seconds_of(step)
    tf.profiler.experimental.stop()
    return seconds


def _step(options: Options) -> Any:
    import tensorflow as tf

    from keras_alexnet.benchmark.repeated_step import repeated_step
    from keras_alexnet.presets import find_preset
    from keras_alexnet.training.compile import compile_network

    sizes = {"input_size": options.input_size, "units": options.units}
    preset = find_preset(options.preset).replace(
        **{name: size for name, size in sizes.items() if size},
        precision=options.precision,
    )
    model = compile_network(preset, options.classes)
    shape = (options.batch_size, *model.input_shape[1:])
    images = 60 * tf.random.stateless_normal(shape, (0, 0))
    labels = tf.range(options.batch_size) % options.classes
    return repeated_step(model, (images, labels))


def _events(folder: Path) -> list[tuple[str, float]]:
    # No public name reads what TensorFlow's own profiler writes.
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space = xplane_pb2.XSpace()
    (written,) = folder.glob("**/*.xplane.pb")
    space.ParseFromString(written.read_bytes())
    return [
        (plane.event_metadata[event.metadata_id].name, event.duration_ps / 1e12)
        for plane in space.planes
        for line in plane.lines
        for event in line.events
    ]


if __name__ == "__main__":
    raise SystemExit(main(tyro.cli(Options, description=__doc__)))
