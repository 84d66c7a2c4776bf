"""What one record holds, what a shard is called, what tfds is told."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tfrecords.image_options import JPEG, ORIGINAL, RAW

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


def write_tfds_metadata(
    directory: Path | str,
    *,
    name: str,
    labels: Sequence[str],
    shard_records: Mapping[str, Sequence[int]],
    split_bytes: Mapping[str, int],
    size: int,
    encoding: str = JPEG,
) -> None:
    """Write the files that let `tfds.builder_from_directory` read the folder.

    Args:
        directory: the folder that holds the shards.
        name: the dataset's name, as in the shard names.
        labels: class names in label order.
        shard_records: for each split, the number of records of each shard.
        split_bytes: for each split, its size in bytes.
        size: height and width of every picture, in pixels.
        encoding: one of `image_options.ENCODINGS`; `jpeg-original` has no one size.
    """
    os.environ.setdefault("NO_GCE_CHECK", "true")  # no look-up on the network
    import tensorflow_datasets as tfds

    template = tfds.core.ShardedFileTemplate(
        data_dir=Path(directory), dataset_name=name, filetype_suffix="tfrecord"
    )
    splits = [
        tfds.core.SplitInfo(
            name=split,
            shard_lengths=list(records),
            num_bytes=split_bytes[split],
            filename_template=template.replace(split=split),
        )
        for split, records in shard_records.items()
    ]
    tfds.folder_dataset.write_metadata(
        data_dir=os.fspath(directory),
        features=_tfds_features(labels, size, encoding),
        split_infos=splits,
        version=TFDS_VERSION,
        filename_template=template,
        check_data=False,
        description=f"{name}: {len(labels)} classes, "
        f"{_DESCRIPTIONS[encoding].format(size=size)}.",
    )


def _tfds_features(labels, size, encoding):
    import numpy as np
    import tensorflow_datasets as tfds

    scalar = tfds.features.Scalar(np.int64)
    return tfds.features.FeaturesDict(
        {
            "image": {
                "encoded": _tfds_picture(size, encoding),
                "format": tfds.features.Text(),
                "height": scalar,
                "width": scalar,
                "channels": scalar,
                "colorspace": tfds.features.Text(),
                "filename": tfds.features.Text(),
                "class": {
                    "label": tfds.features.ClassLabel(names=list(labels)),
                    "synset": tfds.features.Text(),
                    "text": tfds.features.Text(),
                },
            }
        }
    )


def _tfds_picture(size, encoding):
    import numpy as np
    import tensorflow_datasets as tfds

    if encoding == RAW:
        return tfds.features.Tensor(
            shape=(size, size, 3), dtype=np.uint8, encoding=tfds.features.Encoding.BYTES
        )
    shape = (None, None, 3) if encoding == ORIGINAL else (size, size, 3)
    return tfds.features.Image(shape=shape, encoding_format="jpeg")
