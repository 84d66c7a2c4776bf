"""Any dataset of tensorflow-datasets that has one picture and one class a record."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tfrecords.dataset.labels import sorted_order
from tfrecords.dataset.names import TFDS_FEATURES_FILE, TFDS_INFO_FILE
from tfrecords.errors import DatasetError
from tfrecords.process_context import tensorflow_here
from tfrecords.sources.ilsvrc import facts
from tfrecords.sources.sample import Ignored, RangeOrigin, Sample, Source, in_order
from tfrecords.sources.split_names import SPLIT_FOLDERS
from tfrecords.sources.tfds_records import ByteRange, ExampleFile
from tfrecords.sources.tree import UNLABELLED

KIND = "tfds"
PREFIX = "tfds:"
_NAME_KEYS = ("file_name", "filename", "image/filename")
_MOST_NAME_BYTES = 4096


def recognises(path: Path | str) -> bool:
    """Tell whether it is a name `tfds:...`, or the folder of a prepared dataset."""
    return path.startswith(PREFIX) if isinstance(path, str) else is_prepared(path)


def is_prepared(path: Path) -> bool:
    """Tell whether a folder is a dataset that tensorflow-datasets has prepared."""
    return all((path / name).is_file() for name in (TFDS_INFO_FILE, TFDS_FEATURES_FILE))


def open_tfds(path: Path | str, earlier: bool = False) -> Source:
    """List a tensorflow-datasets dataset, which is downloaded if it must be.

    The pictures stay in the prepared TFRecord files, are taken as they are encoded
    there, and are not decoded. `train`, `validation` and `test` are used. Labels are
    converted to the sorted order of the class names. Where records hold file names,
    ILSVRC's pictures get their canonical keys, as in every other source of theirs.

    Args:
        path: `tfds:NAME[/CONFIG][:VERSION]`, found in `$TFDS_DATA_DIR` or in
            `~/tensorflow_datasets`; or the folder of a prepared dataset.
        earlier: order the classes as older builds did.

    Raises:
        DatasetError: there is no such dataset, it cannot be prepared, or is not of
            pictures with classes in TFRecord files.
    """
    name = str(path).removeprefix(PREFIX)
    builder = _prepared(name)
    info = builder.info
    if info.file_format.value != "tfrecord":
        raise DatasetError(
            f"Expected {name} in TFRecord files, it is in {info.file_format.value}. "
            "Prepare it again: tfds build --file_format=tfrecord, in another "
            "--data_dir, and set TFDS_DATA_DIR to it."
        )
    image, label, names = _features(info, name)
    labels, order = sorted_order(names, earlier)
    places = {number: labels.index(name) for number, name in enumerate(names)}
    ignored: list[Ignored] = []
    reader = _Reader(image, label, names, places, ignored)
    samples = in_order(reader.samples(info.splits))
    splits = {sample.split for sample in samples}
    complete = labels == facts.synsets()
    if complete:
        _check_validation(samples, labels, name)
    return Source(
        kind=KIND,
        name=facts.NAME if complete else info.name,
        location=f"{PREFIX}{info.full_name}",
        labels=labels,
        samples=samples,
        ignored=tuple(sorted(ignored)),
        validation_fraction=0.0 if splits & {"validation", "test"} else 0.1,
        words=facts.words_of(labels),
        label_order=order if labels == names else f"tfds, converted to {order}",
    )


def _prepared(name: str) -> Any:
    os.environ.setdefault("NO_GCE_CHECK", "true")  # no look-up on the network
    tensorflow_here()
    import tensorflow_datasets as tfds

    try:
        if is_prepared(Path(name)):
            return tfds.builder_from_directory(name)
        # tfds itself looks at the variable only when it is imported.
        builder = tfds.builder(name, data_dir=os.environ.get("TFDS_DATA_DIR"))
        if not builder.is_prepared():
            builder.download_and_prepare(file_format="tfrecord")
        return builder
    except Exception as error:  # whatever a dataset's own code and the network raise
        detail = (str(error).strip() or repr(error)).splitlines()[0]
        raise DatasetError(
            f"tensorflow-datasets cannot give {name!r}: {detail} Check the name at "
            "tensorflow.org/datasets/catalog, the network and TFDS_DATA_DIR."
        ) from None


def _features(info: Any, name: str) -> tuple[str, str, tuple[str, ...]]:
    import tensorflow_datasets as tfds

    found = dict(_flattened(info.features))
    keys = []
    for place, kind in enumerate((tfds.features.Image, tfds.features.ClassLabel)):
        candidates = [key for key, feature in found.items() if type(feature) is kind]
        if len(candidates) > 1 and info.supervised_keys:
            candidates = [k for k in candidates if k == info.supervised_keys[place]]
        if len(candidates) != 1:
            raise DatasetError(
                f"Expected one {kind.__name__} in each record of {name}, found "
                f"{len(candidates)}. It is no dataset of pictures with one class."
            )
        keys += candidates
    return keys[0], keys[1], tuple(found[keys[1]].names)


def _flattened(features: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, feature in features.items():
        if hasattr(feature, "items"):
            yield from _flattened(feature, f"{prefix}{key}/")
        else:
            yield f"{prefix}{key}", feature


class _Reader:
    def __init__(self, image, label, names, places, ignored: list[Ignored]):
        self._image, self._label = image, label
        self._names, self._places, self._ignored = names, places, ignored

    def samples(self, splits: Any) -> Iterator[Sample]:
        """Index every record of the splits that can be used."""
        for name, split in sorted(splits.items()):
            if name not in SPLIT_FOLDERS:
                self._ignored.append(Ignored(f"{name}/", "neither train, val nor test"))
                continue
            index = unlabelled = 0
            for path, length in zip(split.filepaths, split.shard_lengths, strict=True):
                before = index
                for sample in self._shard(Path(path), SPLIT_FOLDERS[name], index):
                    index += 1
                    unlabelled += sample is None
                    if sample:
                        yield sample
                if index - before != length:
                    raise DatasetError(
                        f"Expected {length:,} records in {path}, found "
                        f"{index - before:,}. Prepare the dataset again."
                    )
            if unlabelled:
                what = f"{name}/ ({unlabelled:,} records)"
                self._ignored.append(Ignored(what, UNLABELLED))

    def _shard(self, path: Path, split: str, index: int) -> Iterator[Sample | None]:
        try:
            with ExampleFile(path) as file:
                for place, record in enumerate(file.records(), index):
                    yield self._sample(path, file, record, split, place)
        except OSError as error:
            raise DatasetError(
                f"Cannot read {path}: {error.strerror}. Prepare the dataset again."
            ) from None

    def _sample(self, path, file, record: ByteRange, split, index) -> Sample | None:
        values = file.values(record)
        image, number = values.get(self._image), values.get(self._label)
        if not isinstance(image, ByteRange) or not isinstance(number, int):
            raise DatasetError(
                f"Expected one {self._image} and one {self._label} in record {index} "
                f"of {path}. Prepare the dataset again."
            )
        if number == -1:  # so tfds writes what has no label
            return None
        if number not in self._places:
            raise DatasetError(
                f"Expected a label in {path}, record {index} has {number}."
            )
        key = self._key(file, values, split, index, self._names[number])
        origin = RangeOrigin(str(path), image.offset, image.size)
        return Sample(key, self._places[number], split, image.size, origin)

    def _key(self, file, values, split, index, class_name) -> str:
        for key in _NAME_KEYS:
            place = values.get(key)
            if isinstance(place, ByteRange) and 0 < place.size <= _MOST_NAME_BYTES:
                name = file.read(place).decode("utf-8", "surrogateescape")
                base = name.rpartition("/")[2]
                canonical = facts.canonical_key(split, class_name, base)
                return canonical or f"{split}/{index:08d}/{name}"
        return f"{split}/{index:08d}"


def _check_validation(samples, labels, name: str) -> None:
    names = {s.key.rpartition("/")[2]: labels[s.label] for s in samples}
    official = {n: c for n, c in names.items() if facts.validation_number(n)}
    facts.check_validation(official, name)
