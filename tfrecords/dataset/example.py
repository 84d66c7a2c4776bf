"""What one record holds, what a shard is called, what tfds is told."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tfrecords.dataset.manifest import Manifest
from tfrecords.images.options import JPEG, ORIGINAL, RAW

# The classic keys of Inception, TF-slim and tf_cnn_benchmarks.
ENCODED = "image/encoded"
FORMAT = "image/format"
HEIGHT = "image/height"
WIDTH = "image/width"
CHANNELS = "image/channels"
COLORSPACE = "image/colorspace"
FILENAME = "image/filename"
LABEL = "image/class/label"  # 0-based, unlike TF-slim's, where 0 is background
SYNSET = "image/class/synset"
TEXT = "image/class/text"

TFDS_VERSION = "1.0.0"
_TFDS_LABELS = "image?class?label.labels.txt"  # earlier releases nested the features

FORMATS = {JPEG: "JPEG", ORIGINAL: "JPEG", RAW: "RAW"}  # of an encoding
_DESCRIPTIONS = {
    JPEG: "{size}x{size} RGB JPEGs",
    ORIGINAL: "JPEGs of any size, to be cut to {size}x{size}",
    RAW: "{size}x{size} uint8 RGB pixels",
}


@dataclass(frozen=True, slots=True)
class Record:
    """One labelled picture as it is stored.

    Attributes:
        encoded: a baseline or progressive JPEG, RGB or grey; or uint8 RGB pixels,
            `height * width * 3` bytes.
        height: rows in pixels.
        width: columns in pixels.
        label: 0-based place in the label order.
        synset: WordNet id, or an empty string.
        text: class name.
        filename: where the picture came from, relative to its source.
        format: `JPEG` or `RAW`, which says what `encoded` is.
    """

    encoded: bytes
    height: int
    width: int
    label: int
    synset: str
    text: str
    filename: str
    format: str = "JPEG"


def encode_example(record: Record) -> bytes:
    """Serialise a record as a `tf.train.Example`; equal records give equal bytes."""
    import tensorflow as tf

    def text(value: str) -> "tf.train.Feature":
        return raw(value.encode("utf-8", "surrogateescape"))

    def raw(value: bytes) -> "tf.train.Feature":
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    def number(value: int) -> "tf.train.Feature":
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))

    feature = {
        ENCODED: raw(record.encoded),
        FORMAT: text(record.format),
        HEIGHT: number(record.height),
        WIDTH: number(record.width),
        CHANNELS: number(3),
        COLORSPACE: text("RGB"),
        FILENAME: text(record.filename),
        LABEL: number(record.label),
        SYNSET: text(record.synset),
        TEXT: text(record.text),
    }
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    return example.SerializeToString(deterministic=True)


def decode_example(serialised: bytes) -> Record:
    """Read back what `encode_example` wrote.

    Raises:
        ValueError: the bytes are no Example, or a key is missing; the key is named.
    """
    import tensorflow as tf
    from google.protobuf.message import DecodeError

    try:
        feature = tf.train.Example.FromString(serialised).features.feature
    except DecodeError as error:
        raise ValueError(f"Expected a tf.train.Example: {error}") from None

    def raw(key: str) -> bytes:
        values = feature[key].bytes_list.value if key in feature else ()
        return _single(key, values)

    def text(key: str) -> str:
        return raw(key).decode("utf-8", "surrogateescape")

    def number(key: str) -> int:
        values = feature[key].int64_list.value if key in feature else ()
        return _single(key, values)

    return Record(
        encoded=raw(ENCODED),
        height=number(HEIGHT),
        width=number(WIDTH),
        label=number(LABEL),
        synset=text(SYNSET),
        text=text(TEXT),
        filename=text(FILENAME),
        format=text(FORMAT),
    )


def _single(key, values):
    if len(values) != 1:
        raise ValueError(f"Expected one value of {key}, found {len(values)}")
    return values[0]


def shard_name(name: str, split: str, index: int, count: int) -> str:
    """Name a shard as tfds does: `NAME-train.tfrecord-00000-of-00016`."""
    return f"{name}-{split}.tfrecord-{index:05d}-of-{count:05d}"


def write_tfds_metadata(directory: Path | str, manifest: Manifest) -> None:
    """Write the files that let `tfds.builder_from_directory` read the folder.

    tfds then sees a record's keys as they are: `image/encoded` is a
    `tfds.features.Image`, or a `Tensor` where pixels are stored raw, and
    `image/class/label` a `ClassLabel`; the two are the supervised keys.

    Args:
        directory: the folder that holds the shards.
        manifest: what they hold.

    Raises:
        OSError: the disk is full or the folder is not writable.
    """
    os.environ.setdefault("NO_GCE_CHECK", "true")  # no look-up on the network
    import tensorflow_datasets as tfds

    template = tfds.core.ShardedFileTemplate(
        data_dir=Path(directory), dataset_name=manifest.name, filetype_suffix="tfrecord"
    )
    splits = [
        tfds.core.SplitInfo(
            name=split,
            shard_lengths=[shard.records for shard in shards],
            num_bytes=sum(shard.bytes for shard in shards),
            filename_template=template.replace(split=split),
        )
        for split, shards in manifest.splits.items()
    ]
    for before in Path(directory).glob(_TFDS_LABELS):
        before.unlink()  # tfds would read names from it
    stored = _DESCRIPTIONS[manifest.options["encoding"]]
    tfds.folder_dataset.write_metadata(
        data_dir=os.fspath(directory),
        features=_tfds_features(manifest),
        supervised_keys=(ENCODED, LABEL),
        split_infos=splits,
        version=TFDS_VERSION,
        filename_template=template,
        check_data=False,
        description=f"{manifest.name}: {manifest.num_classes} classes, "
        f"{stored.format(size=manifest.image_size)}.",
    )


def _tfds_features(manifest: Manifest):
    import numpy as np
    import tensorflow_datasets as tfds

    scalar, text = tfds.features.Scalar(np.int64), tfds.features.Text()
    return tfds.features.FeaturesDict(
        {
            ENCODED: _tfds_picture(manifest.image_size, manifest.options["encoding"]),
            FORMAT: text,
            HEIGHT: scalar,
            WIDTH: scalar,
            CHANNELS: scalar,
            COLORSPACE: text,
            FILENAME: text,
            LABEL: _tfds_label(manifest.labels),
            SYNSET: text,
            TEXT: text,
        }
    )


def _tfds_label(labels: Sequence[str]):
    import tensorflow_datasets as tfds

    # tfds keeps the names in a file of UTF-8 and strips each on reading. Where two
    # would then be the same, or one would be gone, the classes have numbers alone.
    names = [
        name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        for name in labels
    ]
    stripped = {name.strip() for name in names}
    if len(stripped) < len(names) or "" in stripped:
        return tfds.features.ClassLabel(num_classes=len(names))
    return tfds.features.ClassLabel(names=names)


def _tfds_picture(size: int, encoding: str):
    import numpy as np
    import tensorflow_datasets as tfds

    if encoding == RAW:
        return tfds.features.Tensor(
            shape=(size, size, 3), dtype=np.uint8, encoding=tfds.features.Encoding.BYTES
        )
    shape = (None, None, 3) if encoding == ORIGINAL else (size, size, 3)
    return tfds.features.Image(shape=shape, encoding_format="jpeg")
