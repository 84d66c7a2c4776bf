#!/usr/bin/env python
"""Profile a training step: the time of each kind of operation.

    python scripts/benchmarks/profile.py --precision mixed_bfloat16 [--json FILE]

Takes TensorFlow's profiler over one step of the network on random pictures, operations
one after the other so that their times add up (with more than one at a time a step is
some tenth faster), and says of each kind of operation its number and time.
"""

import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])  # this file is not Python's profile

from keras_alexnet.presets import find_preset
from keras_alexnet.record import Figure, MeasureOptions, Record, run_as_script

WARM_UP = 4  # steps


@dataclass(frozen=True)
class ProfileOptions(MeasureOptions):
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


def measure(options: ProfileOptions) -> Record:
    """Profile one step."""
    with tempfile.TemporaryDirectory() as folder:
        seconds = _trace(options, folder)
        kinds = operation_kinds(_events(Path(folder)))
    figures = [Figure("step", 1e3 * seconds, "ms"), *_figures(kinds, seconds)]
    title = "Operations of a training step"
    return Record.now("step", title, figures, options=asdict(options))


def operation_kinds(events: list[tuple[str, float]]) -> dict[str, list[float]]:
    """Return the seconds of each kind of `(operation:kind, seconds)`, longest first."""
    seconds: dict[str, list[float]] = defaultdict(list)
    for name, duration in events:
        operation, _, kind = name.rpartition(":")
        # The others are events of the runtime, such as `ThreadpoolListener::Record`.
        if operation and kind.isidentifier() and not operation.endswith(":"):
            seconds[kind].append(duration)
    return dict(sorted(seconds.items(), key=lambda item: -sum(item[1])))


def _figures(kinds: dict[str, list[float]], step: float) -> Iterator[Figure]:
    for kind, each in kinds.items():
        said = f"{len(each)} of them, {sum(each) / step:.1%} of the step"
        yield Figure(kind, 1e3 * sum(each), "ms", said)


def _trace(options: ProfileOptions, folder: str) -> float:
    """Profile a step into a folder and return how long it took."""
    import tensorflow as tf

    from keras_alexnet.benchmark.operations import Work
    from keras_alexnet.benchmark.repeated_step import noise, repeated_step
    from keras_alexnet.training.compile import compile_network

    tf.config.threading.set_inter_op_parallelism_threads(1)
    sizes = {"input_size": options.input_size, "units": options.units}
    fields = {name: size for name, size in sizes.items() if size is not None}
    fields["precision"] = options.precision
    preset = find_preset(options.preset).replace(**fields)
    model = compile_network(preset, options.classes)
    batch = noise(options.batch_size, model.input_shape[1], options.classes)
    step = repeated_step(model, batch)
    for _ in range(WARM_UP):
        step()
    tf.profiler.experimental.start(folder)
    seconds = Work(step).seconds()
    tf.profiler.experimental.stop()
    return seconds


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
    run_as_script(measure)
