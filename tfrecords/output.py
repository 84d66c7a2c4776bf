"""The folder that a dataset is built into: whose it is, and in what state."""

import json
from pathlib import Path
from typing import Any

from tfrecords.errors import DatasetError
from tfrecords.files import disk_error, write_atomically
from tfrecords.manifest import MANIFEST_FILE, REJECTED_FILE, Manifest
from tfrecords.plan import Plan
from tfrecords.statistics import STATISTICS_FILE

_UNFINISHED_FILE = ".building.json"  # the plan of a build that has not ended
_PARTS = (STATISTICS_FILE, REJECTED_FILE, "labels.txt", "dataset_info.json")


def prepare(out: Path, plan: Plan) -> Manifest | None:
    """Make a folder ready for a plan.

    Returns:
        The manifest if the plan is carried out already, else None.

    Raises:
        DatasetError: the folder holds something else, or cannot be written to.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        if (out / MANIFEST_FILE).exists():
            finished = _finished(out, plan)
            if finished:
                return finished
        elif (out / _UNFINISHED_FILE).exists():
            _check_unfinished(out, plan)
        else:
            _check_empty(out)
        _start(out, plan)
    except OSError as error:
        raise disk_error(error, out) from None
    return None


def finish(out: Path) -> None:
    """Take away the mark of an unfinished build."""
    (out / _UNFINISHED_FILE).unlink(missing_ok=True)


def _finished(out: Path, plan: Plan) -> Manifest | None:
    manifest = Manifest.load(out, check=False)
    if manifest.fingerprint != plan.fingerprint:
        before = {"name": manifest.name, **manifest.options}
        raise _other_plan(out, "a finished dataset", before, plan)
    try:
        manifest = Manifest.load(out)
    except DatasetError:
        return None  # a shard was lost: build it again
    return manifest if all((out / part).exists() for part in _PARTS) else None


def _check_unfinished(out: Path, plan: Plan) -> None:
    path = out / _UNFINISHED_FILE
    try:
        before = json.loads(path.read_bytes())
        same = before.pop("fingerprint") == plan.fingerprint
    except (ValueError, KeyError, AttributeError):
        raise DatasetError(f"{path} is ill-formed. Remove {out}.") from None
    if not same:
        raise _other_plan(out, "an unfinished build", before, plan)


def _other_plan(out: Path, what: str, before: dict[str, Any], plan: Plan):
    now = {"name": plan.name, **plan.options}
    keys = [key for key in now if before.get(key) != now[key]]
    change = ", ".join(f"{key} {before.get(key)} there, {now[key]} now" for key in keys)
    return DatasetError(
        f"{out} holds {what} of another plan ({change or 'other source files'}). "
        "Choose another folder or remove this one."
    )


def _check_empty(out: Path) -> None:
    foreign = sorted(entry.name for entry in out.iterdir() if entry.name != ".DS_Store")
    if foreign:
        raise DatasetError(
            f"Expected an empty or new folder, {out} holds {foreign[0]!r} "
            f"({len(foreign)} in all). Choose another folder or empty this one."
        )


def _start(out: Path, plan: Plan) -> None:
    document = {"fingerprint": plan.fingerprint, "name": plan.name, **plan.options}
    write_atomically(out / _UNFINISHED_FILE, json.dumps(document).encode())
    (out / MANIFEST_FILE).unlink(missing_ok=True)
    for leftover in out.glob(".*.tmp"):
        leftover.unlink()
