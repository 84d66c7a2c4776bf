"""A source and its plan, as an unfinished or finished folder may have begun them."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tfrecords.building.folder import recorded_fingerprint
from tfrecords.building.plan import Plan
from tfrecords.errors import DatasetError
from tfrecords.sources import Source, is_built_in


@dataclass(frozen=True)
class PlannedSource:
    """What is built, and from what."""

    source: Source
    plan: Plan


def plan_for(out: Path, read: Callable[[bool], PlannedSource]) -> PlannedSource:
    """Read a source, as an older build did if the folder holds such.

    Args:
        out: the dataset folder; it need not be there.
        read: reads and plans; True: as older builds did.

    Raises:
        DatasetError: the source cannot be read.
    """
    there = recorded_fingerprint(out)
    if there is None:
        return read(False)
    try:
        found = read(False)
    except DatasetError:
        earlier = _as_earlier(read, there)
        if earlier is None:
            raise
        return earlier
    if found.plan.fingerprint == there:
        return found
    return _as_earlier(read, there) or found


def _as_earlier(read, there: str) -> PlannedSource | None:
    try:
        found = read(True)
    except DatasetError:
        return None
    if found.plan.fingerprint != there:
        return None
    note = (
        "An older build began this folder, which read the source in another way; it is "
        "kept so. To read it as a new build does, choose another folder."
    )
    source = replace(found.source, notes=(*found.source.notes, note))
    return replace(found, source=source)


def check_apart(source: Path | str, kind: str | None, out: Path, plan=None) -> None:
    """Refuse a dataset folder inside its source, unless the plan's is there already.

    Args:
        source: as `tfrecords.sources.open_source` takes it.
        kind: the same.
        out: the dataset folder.
        plan: None, before the source is read, lets pass any folder with a dataset.

    Raises:
        DatasetError: the next build of the source would find this one in it.
    """
    root = Path(source)
    if is_built_in(str(source), kind) or not root.is_dir() or not _is_in(out, root):
        return
    there = recorded_fingerprint(out)
    if there is None or (plan and plan.fingerprint != there):
        raise DatasetError(
            f"Expected a dataset folder outside the source, {out} is "
            f"{'the source itself' if _same(out, root) else f'in {root}'}. Choose a "
            "folder beside it."
        )


def _same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _is_in(out: Path, root: Path) -> bool:
    place = Path(os.path.realpath(out))
    above = {place, *place.parents}
    links = (path for path in root.iterdir() if path.is_symlink())
    return any(Path(os.path.realpath(path)) in above for path in (root, *links))
