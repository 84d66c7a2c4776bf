"""What reading here and there of a file costs, by where it lies."""

import os
from pathlib import Path

from tfrecords.addresses import Address

MOUNTS = Path("/proc/self/mountinfo")  # on Linux
DEVICES = Path("/sys/dev/block")
# Those whose every read asks another machine; fuse.* may be an object store.
NETWORK = ("nfs", "cifs", "smb", "lustre", "ceph", "gpfs", "beegfs", "gluster", "fuse.")


def slow_to_seek(path: Path | str | Address) -> str | None:
    """Say why reading here and there is slow; None: it is not, or nobody knows.

    Args:
        path: A file or folder, or an address.
    """
    if isinstance(path, Address):
        return "an address is asked over a network for each read"
    found = _mount(Path(os.path.realpath(path)))
    if found is None:
        return None
    device, kind = found
    if kind.startswith(NETWORK):
        return f"{kind} asks another machine for each read"
    return "the disk rotates" if _rotates(DEVICES / device) else None


def _mount(path: Path) -> tuple[str, str] | None:
    """Return device (major:minor) and kind of the file system of a path."""
    try:
        lines = MOUNTS.read_text().splitlines()
    except OSError:
        return None  # not Linux
    found, longest = None, -1
    for line in lines:
        # proc(5): id parent major:minor root mount-point options ... - kind ...
        fields, _, rest = line.partition(" - ")
        _, _, device, _, point, *_ = fields.split()
        mount = Path(point.encode().decode("unicode_escape"))
        depth = len(mount.parts)
        if depth >= longest and (mount == path or mount in path.parents):
            found, longest = (device, rest.split()[0]), depth
    return found


def _rotates(device: Path) -> bool:
    """Whether a disk, or the one that a partition is of, has to move its head."""
    own = device.resolve()
    for folder in (own, own.parent):
        try:
            return (folder / "queue" / "rotational").read_text().strip() == "1"
        except OSError:
            continue
    return False
