"""`alexnet devices`."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import tyro
from rich.table import Column

from keras_alexnet.presets import find_preset
from tfrecords.plain_text import say
from tfrecords.result_files import ResultFiles
from tfrecords.tables import Console, Table

if TYPE_CHECKING:
    from keras_alexnet.training.devices.placement import Placement


@dataclass(frozen=True)
class DevicesOptions:
    """Take one training step and show where everything of it really was.

    Weights, momenta, operations and what crosses between devices are read from the
    graphs that TensorFlow ran, not from what was asked for. The exit status is 0 only
    if all is on the planned devices, nothing but the planned crosses, and no tower
    waits for the other beyond that.
    """

    preset: str = "released"
    """Network."""
    strategy: Literal["towers", "none"] = "towers"
    """Two towers, or the network in one piece on one device."""
    devices: str | None = None
    """Devices of the towers, such as GPU:0,GPU:1; None: the first two GPUs."""
    logical_devices: int | None = None
    """Split the CPU into so many devices, to see the towers without GPUs."""
    batch_size: int | None = None
    """Images in the step; None: the preset's, 128 in the paper."""
    num_classes: int = 1000
    """Outputs of the network."""
    input_size: int | None = None
    """Side of the images in pixels; None: the preset's, 224 or 227."""
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    """Arithmetic."""
    json: Path | None = None
    """Write the figures to this file."""


def main(arguments: Sequence[str]) -> int:
    """Build the network, take a step, print the tables; 0 if all is in its place."""
    options = tyro.cli(DevicesOptions, args=arguments, prog="alexnet devices")
    files = ResultFiles(options.json)
    from keras_alexnet.towers.crossings import tower_crossings
    from keras_alexnet.training.compile import compile_network
    from keras_alexnet.training.devices.placement import planned, read_placement
    from keras_alexnet.training.devices.plan import plan_devices

    sizes = {"batch_size": options.batch_size, "input_size": options.input_size}
    given = {name: size for name, size in sizes.items() if size is not None}
    fields = find_preset(options.preset).replace(precision=options.precision, **given)
    batch_size = fields.recipe.batch_size
    asked = None if options.devices is None else options.devices.split(",")
    devices = plan_devices(
        options.strategy, devices=asked, logical_devices=options.logical_devices
    )
    model = compile_network(fields, options.num_classes, devices)
    plan = planned(model)
    placement = read_placement(model, batch_size)
    wrong = placement.misplaced(plan)
    if plan:
        table = tower_crossings(fields, batch_size, options.precision)
        wrong += placement.unplanned(plan, table)
        wrong += placement.needless_waits(options.precision == "mixed_float16")
    _print(placement, plan, batch_size)
    figures = _figures(placement, plan, batch_size, wrong)
    files.write(options.json, (json.dumps(figures, indent=1) + "\n").encode())
    if wrong:
        say(f"Not as planned: {'; '.join(wrong)}.", error=True)
    files.close()
    return 1 if wrong else 0


def _print(placement: "Placement", plan: dict[str, str], batch_size: int) -> None:
    columns = ("planned", "weights", "momenta", "forward", "backward", "update")
    layers = Column("layer", no_wrap=True)
    table = Table(layers, *columns, title="Where it is (operations: how many)")
    for layer in _layers(placement, plan):
        table.add_row(
            layer or "loss, others",
            plan.get(layer, ""),
            _places(placement.weights, layer),
            _places(placement.momenta, layer),
            *(
                ", ".join(
                    f"{device} {count}" for device, count in sorted(counts.items())
                )
                for counts in _counts(placement, layer)
            ),
        )
    console = Console()
    console.print(table)
    crossings = Table("from", "to", "phase", "computed by", "shape", "bytes")
    for c in placement.exchanged:
        crossings.add_row(
            c.source, c.target, c.phase, c.layer, str(c.shape), f"{c.bytes or 0:,}"
        )
    if placement.exchanged:
        crossings.title = f"What crosses in a step of {batch_size} images"
        console.print(crossings)
    sums = _sums(placement)
    say(
        f"Between layers on different devices: {sums['exchanged']:,} bytes a step. "
        f"Beside them: {sums['others']} tensors, {sums['other_bytes']:,} bytes (images "
        f"and scalars such as the learning rate)."
    )
    if plan:
        _say_what_waits(placement, plan)


def _say_what_waits(placement: "Placement", plan: dict[str, str]) -> None:
    between = placement.control_between(plan)
    work = [c for c in between if c.layers]
    say(
        f"Control dependencies between the towers: {len(work)} "
        f"(beside {len(between) - len(work)} that only the end of the step waits for)."
    )
    if placement.waits and not placement.needless_waits(scaled=True):
        say("Updates wait for both towers: loss scaling looks at all gradients first.")


def _figures(
    placement: "Placement", plan: dict[str, str], batch_size: int, wrong: list[str]
) -> dict[str, Any]:
    return {
        "batch_size": batch_size,
        "plan": plan,
        "weights": placement.weights,
        "momenta": placement.momenta,
        "operations": [
            {"layer": layer, "phase": phase, **counts}
            for (layer, phase), counts in placement.operations.items()
        ],
        "crossings": [asdict(c) for c in placement.crossings],
        "control": [asdict(c) for c in placement.control],
        "waits": [asdict(wait) for wait in placement.waits],
        "sums": _sums(placement),
        "wrong": wrong,
    }


def _sums(placement: "Placement") -> dict[str, int]:
    others = [c for c in placement.crossings if c not in placement.exchanged]
    return {
        "exchanged": sum(c.bytes or 0 for c in placement.exchanged),
        "others": len(others),
        "other_bytes": sum(c.bytes or 0 for c in others),
    }


def _layers(placement: "Placement", plan: dict[str, str]) -> list[str]:
    """Return the layers in the order of the network, last what belongs to none."""
    found = dict.fromkeys(path.split("/")[0] for path in placement.weights)
    found |= dict.fromkeys(sorted(layer for layer, _ in placement.operations if layer))
    return [*sorted(found, key=_rank(plan or found)), ""]


def _rank(order: Iterable[str]) -> Callable[[str], int]:
    places = {layer: index for index, layer in enumerate(order)}
    return lambda layer: places.get(layer, len(places))


def _places(places: dict[str, str], layer: str) -> str:
    found = {d for path, d in places.items() if path.split("/")[0] == layer}
    return ", ".join(sorted(found))


def _counts(placement: "Placement", layer: str) -> list[dict[str, int]]:
    phases = ("forward", "backward", "update")
    return [placement.operations.get((layer, phase), {}) for phase in phases]
