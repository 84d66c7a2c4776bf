"""`alexnet describe PRESET|NETWORK`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from keras_alexnet.presets import PRESETS, SMALL_PRESETS, AnyPreset
from tfrecords.errors import UserError
from tfrecords.plain_text import say
from tfrecords.result_files import ResultFiles
from tfrecords.tables import Console, Table


@dataclass(frozen=True)
class DescribeOptions:
    """Show the layers of a network: shapes, receptive fields, operations, memory.

    Nothing is computed: it takes no TensorFlow.
    """

    network: tyro.conf.Positional[str]
    """Name of a preset; or a run folder, a network folder, an exported folder."""
    json: Path | None = None
    """Write all to this file, with the shape and the recipe as a preset has them."""


def main(arguments: Sequence[str]) -> int:
    """Print the table and the recipe, and write the file that was asked for."""
    options = tyro.cli(DescribeOptions, args=arguments, prog="alexnet describe")
    files = ResultFiles(options.json)
    from keras_alexnet.models.description import describe_network

    preset, num_classes = find_network(options.network)
    found = describe_network(preset, num_classes)
    document = json.dumps(found, indent=1, allow_nan=False)
    files.write(options.json, (document + "\n").encode())
    say(f"{preset.name}: {preset.description or 'a preset of an earlier release.'}")
    Console().print(_table(found["layers"]))
    say(f"{found['parameters']:,} parameters, {found['macs']:,} multiply-adds an image")
    for use, memory in found["memory"].items():
        fixed, image = memory["fixed"] / 1e9, memory["image"] / 1e6
        say(f"{use}: by estimate {fixed:.2f} GB, and {image:.1f} MB an image")
    values = (f"{name} {value}" for name, value in found["recipe"].items())
    say(f"recipe: {', '.join(values)}")
    files.close()
    return 0


def find_network(name: str) -> tuple[AnyPreset, int]:
    """Return a preset of a name or of a folder, and its number of classes.

    Args:
        name: In `PRESETS`, which have 1,000 classes, or in `SMALL_PRESETS`, which have
            10; or a run, network or export folder.

    Raises:
        UserError: It is neither.
    """
    if name in PRESETS:
        return PRESETS[name], 1000
    if name in SMALL_PRESETS:
        return SMALL_PRESETS[name], 10
    from keras_alexnet.trained.config_file import read_config
    from keras_alexnet.trained.names import CONFIG_FILE, EXTRA
    from tfrecords.dataset.labels import read_labels

    folder = Path(name)
    exports = sorted(folder.glob(f"*/{EXTRA}"), key=lambda path: path.stat().st_mtime)
    for place in (folder, folder / EXTRA, *reversed(exports)):
        if (place / CONFIG_FILE).exists():
            return read_config(place).preset, len(read_labels(place))
    raise UserError(
        f"Expected a preset ({', '.join([*PRESETS, *SMALL_PRESETS])}) or a run, "
        f"network or export folder with a {CONFIG_FILE}, got {name}."
    )


def _table(layers: Sequence[Mapping[str, Any]]) -> Table:
    table = Table()
    table.add_column("layer", no_wrap=True)
    titles = ("shape", "parameters", "field px", "stride px", "multiply-adds", "kB")
    for title in titles:
        table.add_column(title, justify="right", no_wrap=True)
    has_aliases = any(layer["aliases"] for layer in layers)
    if has_aliases:
        table.add_column("also called")
    for layer in layers:
        numbers = (
            layer[name] or ""
            for name in ("parameters", "receptive_field", "stride", "macs")
        )
        shown = (f"{number:,}" if number else "" for number in numbers)
        cells = [layer["name"], " x ".join(map(str, layer["shape"])), *shown]
        cells.append(f"{layer['bytes'] / 1e3:,.1f}")
        table.add_row(*cells, *[", ".join(layer["aliases"])] * has_aliases)
    return table
