"""ILSVRC-2012's development kit: which validation picture is of which class."""

import io
import tarfile
from pathlib import Path

from tfrecords.errors import DatasetError
from tfrecords.sources.ilsvrc import facts
from tfrecords.sources.tree import sorted_entries

_TRUTH = "ILSVRC2012_validation_ground_truth.txt"
_META = "meta.mat"
_NAME = "ILSVRC2012_devkit_t12"  # t3 is of another task
_MOST_BYTES = 64 << 20  # of one file in the kit; the true ones are below 1 MB


def find_devkit(root: Path) -> Path | None:
    """Find the kit in a folder: its `.tar.gz`, or where it is unpacked."""
    for entry in sorted_entries(root):
        if entry.name.startswith(_NAME) and entry.name.endswith((".tar.gz", ".tgz")):
            return Path(entry.path)
    for place in (root / _NAME / "data", root / _NAME, root / "data", root):
        if (place / _TRUTH).is_file():
            return place
    return None


def check_devkit(path: Path) -> None:
    """Read a kit and compare its validation labels with the packages'.

    Its classes are numbered from 1 in an order of its own, which `meta.mat` maps to
    WordNet ids; the ground truth gives one number a line.

    Raises:
        DatasetError: a file is missing or damaged, or a label disagrees.
    """
    truth, meta = _from_folder(path) if path.is_dir() else _from_tar(path)
    names = _synsets_by_id(meta, path)
    lines = truth.split()
    if len(lines) != facts.VALIDATION_COUNT:
        raise DatasetError(
            f"Expected {facts.VALIDATION_COUNT:,} lines in {_TRUTH} of {path}, "
            f"found {len(lines):,}. Fetch the devkit again."
        )
    classes = {}
    for number, line in enumerate(lines, 1):
        name = names.get(line.decode("ascii", "replace"))
        if name is None:
            raise DatasetError(
                f"Expected an ILSVRC2012_ID of {_META} in line {number} of {_TRUTH} of "
                f"{path}, found {line!r}. Fetch the devkit again."
            )
        classes[facts.validation_name(number)] = name
    facts.check_validation(classes, str(path))


def _from_folder(path: Path) -> tuple[bytes, bytes]:
    try:
        return (path / _TRUTH).read_bytes(), (path / _META).read_bytes()
    except OSError as error:
        raise _unreadable(path, f"{error.filename}: {error.strerror}") from None


def _from_tar(path: Path) -> tuple[bytes, bytes]:
    found = {}
    try:
        with tarfile.open(path, "r:gz") as tar:
            for member in tar:
                base = member.name.rpartition("/")[2]
                if base in (_TRUTH, _META) and member.isreg():
                    if member.size > _MOST_BYTES:
                        raise _unreadable(path, f"{base} has {member.size:,} bytes")
                    found[base] = tar.extractfile(member).read()  # type: ignore[union-attr]
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        if isinstance(error, DatasetError):
            raise
        raise _unreadable(path, str(error).splitlines()[0]) from None
    if len(found) < 2:
        raise _unreadable(path, f"{_TRUTH} and {_META} are not both in it")
    return found[_TRUTH], found[_META]


def _synsets_by_id(meta: bytes, path: Path) -> dict[str, str]:
    from scipy.io import loadmat

    try:
        synsets = loadmat(io.BytesIO(meta), squeeze_me=True)["synsets"]
        leaves = synsets[synsets["num_children"] == 0]
        names = {
            str(int(number)): str(name)
            for number, name in zip(
                leaves["ILSVRC2012_ID"], leaves["WNID"], strict=True
            )
        }
    except Exception as error:  # SciPy raises what it likes on damaged bytes
        raise _unreadable(path, f"{_META}: {error}") from None
    if sorted(names.values()) != list(facts.synsets()):
        raise _unreadable(path, f"{_META} has not the 1,000 classes of ILSVRC-2012")
    return names


def _unreadable(path: Path, detail: str) -> DatasetError:
    return DatasetError(
        f"Cannot read the devkit {path}: {detail}. Fetch ILSVRC2012_devkit_t12.tar.gz "
        "again, or remove it: its labels are known without it."
    )
