"""The settings of runs beside those of their preset and of each other."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import PurePath
from typing import Any

from keras_alexnet.presets import LRN, PRESETS, SMALL_PRESETS, AnyPreset
from keras_alexnet.presets.small_preset import InMapNorm
from keras_alexnet.report.reported_run import ReportedRun

_PARTS = ("network", "training", "pictures")


def recipe_section(runs: Sequence[ReportedRun]) -> dict[str, Any]:
    """Return a row for each setting: its value in each run and in the preset.

    The preset is that of all runs; `preset` is None where they have different ones, or
    one that is not built in.
    """
    names = {run.network.config.preset.name for run in runs}
    base = _known(names.pop()) if len(names) == 1 else None
    fields = [_fields(run.network.config.preset) for run in runs]
    for run, those in zip(runs, fields, strict=True):
        those["pictures"] = dict(run.network.config.preprocessing)
    presets = None if base is None else _fields(base)
    return {
        "preset": None if base is None else base.name,
        "runs": [run.name for run in runs],
        "rows": [
            _row(part, name, fields, presets)
            for part in _PARTS
            for name in dict.fromkeys(n for those in fields for n in those[part])
        ],
    }


def setting_text(value: Any) -> str:
    """Return the value of a setting as people read it."""
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dict):
        pairs = value.items()
        return ", ".join(f"{_title(name)} {setting_text(each)}" for name, each in pairs)
    if isinstance(value, list | tuple):
        nested = any(isinstance(each, list | tuple) for each in value)
        return ("; " if nested else ", ").join(map(setting_text, value))
    return str(value)


def _known(name: str) -> AnyPreset | None:
    for presets in (PRESETS, SMALL_PRESETS):
        if name in presets:
            return presets[name]
    return None


def _fields(preset: AnyPreset) -> dict[str, dict[str, Any]]:
    network = {
        name: asdict(value) if isinstance(value, LRN | InMapNorm) else value
        for name, value in preset.network.items()
    }
    recipe = {name: getattr(preset.recipe, name) for name in asdict(preset.recipe)}
    return {"network": network, "training": recipe, "pictures": {}}


def _row(
    part: str,
    name: str,
    fields: Sequence[dict[str, dict[str, Any]]],
    presets: dict[str, dict[str, Any]] | None,
) -> dict[str, Any]:
    values = [those[part].get(name, "") for those in fields]
    usual = values[0]
    known = presets is not None and name in presets[part]
    if presets is not None and known:
        usual = presets[part][name]
    return {
        "part": part,
        "name": _title(name),
        "values": [_shown(name, value) for value in values],
        "preset": setting_text(usual) if known else "",
        # Of each run, whether the preset has another.
        "changed": [value != usual for value in values],
        "differs": any(value != values[0] for value in values),
    }


def _shown(name: str, value: Any) -> str:
    # Of a folder its name: the others are of one machine.
    return PurePath(value).name if name == "init" and value else setting_text(value)


def _title(name: str) -> str:
    return name.replace("_", " ")
