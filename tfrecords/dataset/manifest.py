"""The list of everything that a dataset folder holds."""

import itertools
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from tfrecords.addresses import Address, dataset_folder
from tfrecords.dataset.compression import compressed_beside, compression
from tfrecords.dataset.folder_names import check_folder_name
from tfrecords.dataset.names import MANIFEST_FILE
from tfrecords.errors import DatasetError
from tfrecords.files import write_atomically
from tfrecords.images.options import SHORT_SIDE

FORMAT_VERSION = 1
# What datasets of earlier releases do not tell.
_UNTOLD: dict[str, Any] = {"words": (), "label_order": "", "contents": {}, "sha256": {}}


@dataclass(frozen=True)
class Shard:
    """One TFRecord file: its name, records, size in bytes and SHA-256 (hex)."""

    file: str
    records: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Contents:
    """Digests (SHA-256, hex) of the pictures that a shard was made of, in its order.

    Attributes:
        sha256: of each picture's own SHA-256.
        state: of what their files have besides bytes: times of change and lengths.
    """

    sha256: str
    state: str


@dataclass(frozen=True)
class Manifest:
    """What was built, from what, and how.

    Attributes:
        name: the dataset's name; shard names start with it.
        source: the folder that was read, or the name of a built-in source.
        options: every option that the stored bytes depend on.
        fingerprint: SHA-256 of the source listing and the options: equal
            fingerprints promise equal shards.
        labels: class names; a class's place is its label.
        synsets: WordNet ids in the same order; empty strings where there are none.
        label_offset: label of the first class.
        splits: shards by split name, `train` first.
        class_counts: by split, the number of records of each label.
        rejected: pictures that were left out; `rejected.jsonl` says why.
        ignored: operating-system files and the like that were passed over;
            `ignored.jsonl` names them.
        image_size: height and width of every picture, in pixels.
        written_with: versions of the libraries that made the pixels.
        words: human names in label order, empty strings where none is known; none
            at all in datasets of releases that did not record them.
        label_order: how the labels came to be numbered, such as `sorted_wnid`.
        contents: by shard file, the pictures that were read for it; empty in datasets
            of releases that did not record them.
        sha256: of files beside the shards (hex), by name; likewise.
    """

    name: str
    source: str
    options: dict[str, Any]
    fingerprint: str
    labels: tuple[str, ...]
    synsets: tuple[str, ...]
    label_offset: int
    splits: dict[str, tuple[Shard, ...]]
    class_counts: dict[str, tuple[int, ...]]
    rejected: int
    ignored: int
    image_size: int
    written_with: dict[str, str]
    words: tuple[str, ...] = ()
    label_order: str = ""
    contents: dict[str, Contents] = field(default_factory=dict)
    sha256: dict[str, str] = field(default_factory=dict)

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.labels)

    @property
    def resize(self) -> str:
        """How pictures were made square: short_side or warp."""
        return str(self.options.get("resize", SHORT_SIDE))

    def count(self, split: str) -> int:
        """Number of records in a split; 0 where there is no such split."""
        return sum(shard.records for shard in self.splits.get(split, ()))

    def save(self, directory: Path | str) -> None:
        """Write `manifest.json`, whole or not at all."""
        document = {"format_version": FORMAT_VERSION, **asdict(self)}
        text = json.dumps(document, indent=1) + "\n"
        write_atomically(Path(directory) / MANIFEST_FILE, text.encode())

    @classmethod
    def load(cls, directory: Path | str | Address, check: bool = True) -> "Manifest":
        """Read `manifest.json`.

        Args:
            directory: a dataset folder, or its address.
            check: also look that every shard is there and has its recorded size.
                This reads no shard, so it is fast; `verify` reads them all.

        Raises:
            DatasetError: the manifest is missing or ill-formed, a shard is missing or
                has another size, or TensorFlow could not open the folder.
        """
        place = dataset_folder(directory)
        check_folder_name(str(place))
        manifest = _parse(cls, _read(place), place)
        if check:
            _check_shards(manifest, place)
        return manifest

    def summary(self) -> str:
        """Say in one line what the dataset holds."""
        counts = ", ".join(f"{self.count(s):,} {s}" for s in self.splits)
        left_out = f"{self.rejected:,} rejected, {self.ignored:,} ignored"
        return f"{self.name}: {counts}; {self.num_classes:,} classes; {left_out}"


def _read(directory: Path | Address) -> dict:
    path = directory / MANIFEST_FILE
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise DatasetError(
            f"Expected a dataset folder, found no {MANIFEST_FILE} in {directory}. "
            "Build one with: alexnet build SOURCE OUT."
        ) from None
    except (OSError, ValueError) as error:
        if isinstance(path, Address):
            raise DatasetError(
                f"Expected a path on this machine or an address that can be read, got "
                f"{directory}. {getattr(error, 'strerror', None) or error}. Copy what "
                "is there to a disk, or mount it."
            ) from None
        raise DatasetError(f"Cannot read {path}: {error}. Build it again.") from None
    if not isinstance(document, dict):
        raise DatasetError(f"Expected an object in {path}. Build it again.")
    return document


def _parse(cls: type[Manifest], document: dict, directory: Path | Address) -> Manifest:
    version = document.pop("format_version", None)
    if version != FORMAT_VERSION:
        raise DatasetError(
            f"Expected format_version {FORMAT_VERSION} in {directory / MANIFEST_FILE}, "
            f"found {version}. Build the dataset again with this release."
        )
    try:
        document = {**_UNTOLD, **document}
        known = {field.name: document[field.name] for field in fields(cls)}
        known["words"] = tuple(known["words"])
        known["labels"] = tuple(known["labels"])
        known["synsets"] = tuple(known["synsets"])
        known["splits"] = {
            split: tuple(Shard(**shard) for shard in shards)
            for split, shards in known["splits"].items()
        }
        known["class_counts"] = {s: tuple(c) for s, c in known["class_counts"].items()}
        known["contents"] = {f: Contents(**c) for f, c in known["contents"].items()}
        manifest = cls(**known)
        _check_values(manifest)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DatasetError(
            f"{directory / MANIFEST_FILE} is ill-formed ({error!r}). Build it again."
        ) from None
    return manifest


def _check_values(manifest: Manifest) -> None:
    # What people change by hand. Readers rely on types and on equal lengths.
    classes = manifest.num_classes
    names = (manifest.name, manifest.source, manifest.fingerprint, *manifest.labels)
    _require("names", (*names, *manifest.synsets, *manifest.words), str)
    _require("options", [manifest.options], dict)
    numbers = (manifest.rejected, manifest.ignored, manifest.image_size)
    _require("rejected, ignored, image_size", numbers, int)
    if not len(manifest.synsets) == classes or len(manifest.words) not in (0, classes):
        raise ValueError(f"expected {classes} synsets and words, one a label")
    _require("sha256", manifest.sha256.values(), str)
    for shard in itertools.chain(*manifest.splits.values()):
        _require("file and sha256", (shard.file, shard.sha256), str)
        _require("records and bytes", (shard.records, shard.bytes), int)
    for split in manifest.splits:
        counts = manifest.class_counts[split]
        _require("class_counts", counts, int)
        if len(counts) != classes:
            raise ValueError(f"expected {classes} class_counts of {split}")


def _require(what: str, values: Iterable[Any], kind: type) -> None:
    for value in values:
        good = isinstance(value, kind) and not isinstance(value, bool)
        if not good or (kind is int and value < 0):
            raise ValueError(f"{what}: {value!r}")


def _check_shards(manifest: Manifest, directory: Path | Address) -> None:
    for shards in manifest.splits.values():
        for shard in shards:
            path = directory / shard.file
            found = _size(path)
            if found != shard.bytes:
                raise _not_as_recorded(path, shard, found)


def _not_as_recorded(
    path: Path | Address, shard: Shard, found: int | None
) -> DatasetError:
    state = "missing" if found is None else f"{found:,} bytes long"
    packed = None
    if isinstance(path, Path):
        packed = compressed_beside(path) if found is None else compression(path)
    if packed:
        return DatasetError(f"Expected {shard.bytes:,} bytes in {path}: {packed}.")
    return DatasetError(
        f"Expected {shard.bytes:,} bytes in {path}, which is {state}. See what else is "
        f"wrong with: alexnet verify {path.parent}; then build it again."
    )


def _size(path: Path | Address) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
