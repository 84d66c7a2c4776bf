#!/usr/bin/env python
"""Profile a training step: the time of each kind of operation.

    python scripts/benchmarks/profile.py --precision mixed_bfloat16 [--json FILE]

Takes TensorFlow's profiler over steps on random pictures, and of these the step whose
time is the median; operations one after the other so that their times add up (more than
one at a time are some tenth faster).
"""

import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])  # this file is not Python's profile

from keras_alexnet.benchmark.operations import Work
from keras_alexnet.presets import find_preset
from keras_alexnet.record import Figure, MeasureOptions, Record, run_as_script

WARM_UP, PROFILED = 4, 7  # steps
CLASSES = 1000
# XLA's kernels do not say whose they are; this is all of a call of them.
XLA_CALL = "CpuExecutable::ExecuteAsyncOnStream"


@dataclass(frozen=True)
class ProfileOptions(MeasureOptions):
    """Profile a training step."""

    precision: Literal["float32", "mixed_bfloat16"] = "float32"  # arithmetic
    batch_size: int = 128  # images in the step


def measure(options: ProfileOptions) -> Record:
    """Profile one step."""
    step, events = profiled_step(options)
    kinds = operation_kinds(events)
    figures = [Figure("step", 1e3 * step, "ms")]
    for kind, each in kinds.items():
        said = f"{len(each)} of them, {sum(each) / step:.1%} of the step"
        figures.append(Figure(kind, 1e3 * sum(each), "ms", said))
    title = "Operations of a training step"
    return Record.now("step", title, figures, options=asdict(options))


def operation_kinds(events: Iterable[tuple[str, float]]) -> dict[str, list[float]]:
    """Return the seconds of each kind of `(operation:kind, seconds)`, longest first."""
    seconds: dict[str, list[float]] = defaultdict(list)
    for _, kind, duration in operations(events):
        seconds[kind].append(duration)
    return dict(sorted(seconds.items(), key=lambda item: -sum(item[1])))


def operations(
    events: Iterable[tuple[str, float]],
) -> Iterator[tuple[str, str, float]]:
    """Yield operation, kind and seconds of each `(operation:kind, seconds)`.

    What XLA compiled is an operation without a name of the kind `XLA`.
    """
    for name, duration in events:
        if name == XLA_CALL:
            yield "", "XLA", duration
        operation, _, kind = name.rpartition(":")
        # The others are events of the runtime, such as `ThreadpoolListener::Record`.
        if operation and kind.isidentifier() and not operation.endswith(":"):
            yield operation, kind, duration


def profiled_step(options: ProfileOptions) -> tuple[float, list[tuple[str, float]]]:
    """Return the seconds of a step, and of each of its events the name and seconds."""
    with tempfile.TemporaryDirectory() as scratch:
        folders = [Path(scratch, str(number)) for number in range(PROFILED)]
        steps = sorted(zip(_trace(options, folders), folders, strict=True))
        seconds, folder = steps[PROFILED // 2]
        return seconds, _events(folder)


def _trace(options: ProfileOptions, folders: list[Path]) -> Iterator[float]:
    """Profile a step into each folder and yield how long it took."""
    import tensorflow as tf

    from keras_alexnet.benchmark.step import noise, repeated_step
    from keras_alexnet.training.compile import compile_network

    tf.config.threading.set_inter_op_parallelism_threads(1)
    preset = find_preset("released").replace(precision=options.precision)
    batch = noise(options.batch_size, preset.input_size, CLASSES)
    step = repeated_step(compile_network(preset, CLASSES), batch)
    for _ in range(WARM_UP):
        step()
    for folder in folders:
        with tf.profiler.experimental.Profile(str(folder)):
            yield Work(step).seconds()


def _events(folder: Path) -> list[tuple[str, float]]:
    # No public name reads what TensorFlow's own profiler writes.
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    (written,) = folder.glob("**/*.xplane.pb")
    space = xplane_pb2.XSpace.FromString(written.read_bytes())
    return [
        (plane.event_metadata[event.metadata_id].name, event.duration_ps / 1e12)
        for plane in space.planes
        for line in plane.lines
        for event in line.events
    ]


if __name__ == "__main__":
    run_as_script(measure)
