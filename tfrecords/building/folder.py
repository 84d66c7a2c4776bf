"""The folder that a dataset is built into: whose it is, and in what state."""

import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from tfrecords.building.plan import Plan
from tfrecords.dataset.manifest import Manifest
from tfrecords.dataset.names import (
    BUILDING_FOLDER,
    LABELS_FILE,
    LOCK_FILE,
    MANIFEST_FILE,
    PLAN_FILE,
    REJECTED_FILE,
    STATISTICS_FILE,
    TFDS_INFO_FILE,
)
from tfrecords.errors import DatasetError
from tfrecords.files import write_atomically
from tfrecords.images.options import UNTOLD

# The statistics are those of the training split, where there is one.
_PARTS = (STATISTICS_FILE, REJECTED_FILE, LABELS_FILE, TFDS_INFO_FILE)


def recorded_fingerprint(out: Path) -> str | None:
    """Return the fingerprint of what a folder holds, finished or not; None: nothing."""
    for path in (out / MANIFEST_FILE, out / BUILDING_FOLDER / PLAN_FILE):
        try:
            return str(json.loads(path.read_bytes())["fingerprint"])
        except (OSError, ValueError, KeyError, TypeError):
            continue  # not there, or for who judges the folder to say
    return None


def inspect_folder(out: Path, plan: Plan) -> Manifest | None:
    """Make a folder and see, without its lock, if it is finished or not ours.

    Returns:
        The manifest if the plan is carried out already, else None.

    Raises:
        DatasetError: the folder holds something else.
        OSError: it cannot be made.
    """
    out.mkdir(parents=True, exist_ok=True)
    if (out / BUILDING_FOLDER).exists():
        return None  # only who holds the lock may judge
    return _state(out, plan)


def start_build(out: Path, plan: Plan) -> Manifest | None:
    """Make a folder, of which one holds the lock, ready for a plan.

    Returns:
        The manifest if the plan is carried out already, else None.

    Raises:
        DatasetError: the folder holds something else.
        OSError: it cannot be written to.
    """
    finished = _state(out, plan)
    if finished is None:
        _keep_plan(out, plan)
    return finished


def end_build(out: Path) -> None:
    """Take away what only an unfinished build needs; the lock last."""
    folder = out / BUILDING_FOLDER
    for entry in folder.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name != LOCK_FILE:
            entry.unlink()
    with suppress(OSError):  # who asks for it meanwhile will find all finished
        shutil.rmtree(folder)


def _state(out: Path, plan: Plan) -> Manifest | None:
    if (out / MANIFEST_FILE).exists():
        return _finished(out, plan)
    if (out / BUILDING_FOLDER / PLAN_FILE).exists():
        _check_unfinished(out, plan)
    else:
        _check_empty(out)
    return None


def _finished(out: Path, plan: Plan) -> Manifest | None:
    manifest = Manifest.load(out, check=False)
    if manifest.fingerprint != plan.fingerprint:
        before = {"name": manifest.name, **manifest.options}
        raise _other_plan(out, "a finished dataset", before, plan)
    try:
        manifest = Manifest.load(out)
    except DatasetError:
        return None  # a shard was lost: build it again
    made = _PARTS if "train" in manifest.splits else _PARTS[1:]
    parts = (*made, *manifest.sha256)
    return manifest if all((out / part).exists() for part in parts) else None


def _check_unfinished(out: Path, plan: Plan) -> None:
    path = out / BUILDING_FOLDER / PLAN_FILE
    try:
        before = json.loads(path.read_bytes())
        same = before.pop("fingerprint") == plan.fingerprint
    except (ValueError, KeyError, AttributeError):
        raise DatasetError(f"{path} is ill-formed. Remove {out}.") from None
    if not same:
        raise _other_plan(out, "an unfinished build", before, plan)


def _other_plan(out: Path, what: str, before: dict[str, Any], plan: Plan):
    now = {"name": plan.name, **plan.options}
    before, now = ({**UNTOLD, **options} for options in (before, now))
    keys = [key for key in now if before.get(key) != now[key]]
    change = ", ".join(f"{key} {before.get(key)} there, {now[key]} now" for key in keys)
    return DatasetError(
        f"{out} holds {what} of another plan ({change or 'other source files'}). "
        "Choose another folder or remove this one."
    )


def _check_empty(out: Path) -> None:
    ours = (".DS_Store", BUILDING_FOLDER)
    foreign = sorted(entry.name for entry in out.iterdir() if entry.name not in ours)
    if foreign:
        raise DatasetError(
            f"Expected an empty or new folder, {out} holds {foreign[0]!r} "
            f"({len(foreign)} in all). Choose another folder or empty this one."
        )


def _keep_plan(out: Path, plan: Plan) -> None:
    document = {"fingerprint": plan.fingerprint, "name": plan.name, **plan.options}
    write_atomically(out / BUILDING_FOLDER / PLAN_FILE, json.dumps(document).encode())
    (out / MANIFEST_FILE).unlink(missing_ok=True)
    for leftover in [*out.glob(".*.tmp"), *(out / BUILDING_FOLDER).glob("*.tmp")]:
        leftover.unlink()
