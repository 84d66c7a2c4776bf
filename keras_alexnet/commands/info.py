"""`alexnet info`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from tfrecords.plain_text import say
from tfrecords.result_files import ResultFiles
from tfrecords.streams import import_tensorflow_silently


@dataclass(frozen=True)
class InfoOptions:
    """Say what a bug report should: versions, machine, devices, extras, environment.

    It works where TensorFlow cannot be imported too, and says why it cannot.
    """

    json: Path | None = None
    """Write it to this file too."""


def main(arguments: Sequence[str]) -> int:
    """Print the facts and write the file that was asked for."""
    options = tyro.cli(InfoOptions, args=arguments, prog="alexnet info")
    files = ResultFiles(options.json)
    facts = _facts()
    files.write(options.json, (json.dumps(facts, indent=1) + "\n").encode())
    for title, values in facts.items():
        _print(title, values)
    files.close()
    return 0


def _facts() -> dict[str, Any]:
    from keras_alexnet.machine import (
        extra_versions,
        machine_facts,
        package_versions,
        relevant_variables,
        visible_devices,
    )

    problem = ""
    found: list[dict[str, Any]] = []
    environment = relevant_variables()  # before TensorFlow adds its own
    try:
        import_tensorflow_silently()
        found = visible_devices()
    except Exception as error:  # whatever it is, it belongs into the report
        problem = f"{type(error).__name__}: {error}"
    return {
        "versions": package_versions(),
        "tensorflow": f"cannot be imported: {problem}" if problem else "is imported",
        "machine": machine_facts(),
        "devices": found,
        "extras": extra_versions(),
        "environment": environment,
    }


def _print(title: str, values: Any) -> None:
    if isinstance(values, str):
        say(f"{title} {values}")
        return
    say(f"{title}:{'' if values else ' none'}")
    rows = values.items() if isinstance(values, dict) else enumerate(values)
    for name, value in rows:
        say(f"  {name:20} {_text(value)}")


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return "not installed" if value is None else str(value)
