"""How much memory this process may still take."""

from collections.abc import Iterator
from pathlib import Path

MEMINFO = Path("/proc/meminfo")  # on Linux
CGROUP = Path("/proc/self/cgroup")
CGROUPS = Path("/sys/fs/cgroup")

# Limit, use, and the key in memory.stat of what the kernel gives up first: version 2, 1
_VERSIONS = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def free_memory() -> int | None:
    """Return the bytes that are free, within the limits of all groups we are in.

    Files that the kernel keeps in memory count as free. None outside Linux.
    """
    available = _number(MEMINFO, "MemAvailable:")
    if available is None:
        return None
    return min([available * 1024, *_left_in_groups()])


def _left_in_groups() -> Iterator[int]:
    """Give what is left of each limit that is set; in a container, of its own."""
    try:
        lines = CGROUP.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        root = CGROUPS / "memory" if controllers else CGROUPS
        if controllers and "memory" not in controllers.split(","):
            continue
        group = root / path.lstrip("/")
        for folder in (group, *group.parents):
            yield from _left(folder)
            if folder == root:
                break


def _left(folder: Path) -> Iterator[int]:
    for limit, usage, given_up in _VERSIONS:
        most, used = _number(folder / limit), _number(folder / usage)
        if most is not None and used is not None:
            yield max(0, most - used + (_number(folder / "memory.stat", given_up) or 0))


def _number(file: Path, key: str = "") -> int | None:
    """Return the number after a key, or of a file of one; None if it has none."""
    try:
        lines = [line.split() for line in file.read_text().splitlines()]
    except OSError:
        return None
    words = next((line for line in lines if line and key in ("", line[0])), [])
    word = words[bool(key)] if len(words) > bool(key) else ""
    return int(word) if word.isdigit() else None  # "max" is no limit
