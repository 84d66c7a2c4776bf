"""Statistics of shards that exist already, whoever made them.

The sums are integers, see `tfrecords.dataset.statistics`: any order of shards, any
partition among processes and any order of merging gives the same to the last bit.
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tfrecords.dataset.example import ENCODED, LABEL
from tfrecords.dataset.folder_names import check_folder_name
from tfrecords.dataset.manifest import Manifest
from tfrecords.dataset.names import MANIFEST_FILE
from tfrecords.dataset.statistics import Accumulator, Statistics
from tfrecords.errors import DatasetError
from tfrecords.files import local_path
from tfrecords.images import store
from tfrecords.images.options import ORIGINAL, RAW, ImageOptions
from tfrecords.processes import check_processes, run_tasks, tick
from tfrecords.progress import Progress
from tfrecords.ranges import MOST_COUNT, check_count
from tfrecords.verification.shard_check import serialised_records

PATTERNS = ("train-*", "*-train.*", "train*", "*train*")  # in turn, until one fits
_SHARD_MARK = "tfrecord"
_MOST_CLASSES = 2**20  # a larger label is another field, or damage


@dataclass(frozen=True)
class ExampleKeys:
    """Where a record holds its picture and its label.

    tfds has `image` and `label`; TF-slim and Model Garden have our keys, and the
    background at 0.

    Attributes:
        image_key: Key of the encoded picture.
        label_key: Key of the label; an empty string counts none.
        label_offset: Label of the first class; 1 where 0 is the background.
    """

    image_key: str = ENCODED
    label_key: str = LABEL
    label_offset: int = 0

    def __post_init__(self) -> None:
        check_count("label_offset", self.label_offset, -MOST_COUNT)


@dataclass(frozen=True)
class ShardStatistics:
    """What training shards hold.

    Attributes:
        statistics: of the pictures.
        class_counts: records by label, after the offset is taken off; empty where
            labels were not counted.
        shards: names of the files that were read.
    """

    statistics: Statistics
    class_counts: tuple[int, ...]
    shards: tuple[str, ...]


@dataclass(frozen=True)
class _Task:
    path: str
    options: ImageOptions
    keys: ExampleKeys
    classes: int


def compute_statistics(
    directory: Path | str,
    *,
    pattern: str | None = None,
    keys: ExampleKeys | None = None,
    size: int | None = None,
    processes: int | None = None,
    progress: bool = True,
) -> ShardStatistics:
    """Read the pictures of training shards and compute their statistics.

    Pictures of other sizes are scaled and cut as the build does.

    Args:
        directory: Folder of TFRecord shards.
        pattern: Glob of the training shards, such as `train-*`; None: the manifest's
            training split, or the usual names.
        keys: Of the records; None: our own.
        size: Side in pixels, to which other pictures are scaled and cut; None: the
            manifest's, or 256.
        processes: Worker processes; None: one a core.
        progress: report on standard error.

    Raises:
        DatasetError: no such shards, or a record is damaged, lacks a key, has a picture
            that cannot be decoded or a label out of range; the record is named.
    """
    check_processes(processes)
    directory, keys = local_path(directory), keys or ExampleKeys()
    manifest = _manifest(directory)
    paths = _training_shards(directory, pattern, manifest)
    options = _image_options(manifest, size)
    classes = manifest.num_classes if manifest else _MOST_CLASSES
    tasks = [_Task(str(path), options, keys, classes) for path in paths]
    total, histogram = Accumulator(options.size), np.zeros(0, np.int64)
    with Progress("statistics", len(tasks), progress, "shards") as report:
        with closing(run_tasks(_read_shard, tasks, processes, _unseen)) as parts:
            for done, (accumulator, counts) in enumerate(parts, 1):
                total.merge(accumulator)
                histogram = _added(histogram, counts)
                report.update(done)
    if not total.count:
        raise DatasetError(f"Expected pictures in {directory}, found empty shards.")
    names = tuple(path.name for path in paths)
    return ShardStatistics(total.statistics(), tuple(histogram.tolist()), names)


def _unseen(pictures: int) -> None:
    # Shards are counted: how many pictures others have put in them is not known.
    pass


def _manifest(directory: Path) -> Manifest | None:
    if not directory.is_dir():
        raise DatasetError(f"Expected a folder of shards, found none at {directory}.")
    check_folder_name(directory)
    if (directory / MANIFEST_FILE).is_file():
        return Manifest.load(directory)
    return None


def _training_shards(
    directory: Path, pattern: str | None, manifest: Manifest | None
) -> list[Path]:
    if manifest and pattern is None and manifest.count("train"):
        return [directory / shard.file for shard in manifest.splits["train"]]
    for guess in [pattern] if pattern else PATTERNS:
        paths = [path for path in sorted(directory.glob(guess)) if _is_shard(path)]
        if pattern is None:
            paths = [path for path in paths if _looks_like_shard(path)]
        if paths:
            return paths
    wanted = pattern or " or ".join(PATTERNS)
    raise DatasetError(
        f"Expected training shards named {wanted} in {directory}, found none. Say how "
        "they are named with --pattern."
    )


def _is_shard(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".")


def _looks_like_shard(path: Path) -> bool:
    # tfds and TF-slim: NAME-train.tfrecord-00000-of-00016, train-00000-of-01024.
    return _SHARD_MARK in path.name or "-of-" in path.name


def _image_options(manifest: Manifest | None, size: int | None) -> ImageOptions:
    if manifest is None:
        return ImageOptions(
            encoding=ORIGINAL, size=ImageOptions.size if size is None else size
        )
    try:
        options = ImageOptions.recorded(manifest.options)
    except (ValueError, TypeError) as error:
        raise DatasetError(f"{error} in the manifest. Build it again.") from None
    if options.encoding != RAW:  # pictures that say how large they are
        size = options.size if size is None else size
        return replace(options, encoding=ORIGINAL, size=size)
    if size not in (None, options.size):
        raise DatasetError(
            f"Expected size {options.size}, that of the raw pictures; got {size}."
        )
    return options


def _read_shard(task: _Task) -> tuple[Accumulator, np.ndarray]:
    accumulator, counts = Accumulator(task.options.size), np.zeros(0, np.int64)
    name = Path(task.path).name
    try:
        for index, serialised in enumerate(serialised_records(Path(task.path))):
            try:
                encoded, label = _fields(serialised, task.keys)
                accumulator.add(store.square(encoded, task.options))
                counts = _counted(counts, label, task)
            except ValueError as error:
                raise DatasetError(f"{name}: record {index}: {error}.") from None
            tick()
    except OSError as error:
        raise DatasetError(f"{name} cannot be read to its end ({error}).") from None
    return accumulator, counts


def _fields(serialised: bytes, keys: ExampleKeys) -> tuple[bytes, int | None]:
    import tensorflow as tf
    from google.protobuf.message import DecodeError

    try:
        feature = tf.train.Example.FromString(serialised).features.feature
    except DecodeError as error:
        raise ValueError(f"expected a tf.train.Example: {error}") from None
    encoded = _single(feature, keys.image_key, "bytes_list", "--image-key")
    if not keys.label_key:
        return encoded, None
    return encoded, _single(feature, keys.label_key, "int64_list", "--label-key")


def _single(feature, key: str, kind: str, option: str):
    values: Sequence = getattr(feature[key], kind).value if key in feature else ()
    if len(values) == 1:
        return values[0]
    known = ", ".join(sorted(feature)[:20])
    raise ValueError(
        f"expected one value of {key}; there is {known}. Name another by {option}"
    )


def _counted(counts: np.ndarray, label: int | None, task: _Task) -> np.ndarray:
    if label is None:
        return counts
    place = label - task.keys.label_offset
    if not 0 <= place < task.classes:
        raise ValueError(
            f"label {label} less the offset {task.keys.label_offset} is {place}, "
            f"expected 0 to {task.classes - 1}; see --label-offset"
        )
    if place >= len(counts):
        counts = np.pad(counts, (0, place + 1 - len(counts)))
    counts[place] += 1
    return counts


def _added(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    length = max(len(first), len(second))
    longer, shorter = (np.pad(x, (0, length - len(x))) for x in (first, second))
    return longer + shorter
