"""What tensorflow-datasets is told of a dataset folder, to read it as its own."""

import os
from collections.abc import Sequence
from pathlib import Path

from tfrecords.dataset.example import (
    CHANNELS,
    COLORSPACE,
    ENCODED,
    FILENAME,
    FORMAT,
    HEIGHT,
    LABEL,
    SYNSET,
    TEXT,
    WIDTH,
)
from tfrecords.dataset.manifest import Manifest
from tfrecords.images.options import JPEG, ORIGINAL, RAW, WARP

_VERSION = "1.0.0"
_NESTED_LABELS = "image?class?label.labels.txt"  # earlier releases nested the features

_DESCRIPTIONS = {
    JPEG: "{size}x{size} RGB JPEGs",
    ORIGINAL: "JPEGs of any size, to be {made} to {size}x{size}",
    RAW: "{size}x{size} uint8 RGB pixels",
}


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
    for before in Path(directory).glob(_NESTED_LABELS):
        before.unlink()  # tfds would read names from it
    made = "scaled" if manifest.resize == WARP else "cut"
    stored = _DESCRIPTIONS[manifest.options["encoding"]].format(
        size=manifest.image_size, made=made
    )
    tfds.folder_dataset.write_metadata(
        data_dir=os.fspath(directory),
        features=_tfds_features(manifest),
        supervised_keys=(ENCODED, LABEL),
        split_infos=splits,
        version=_VERSION,
        filename_template=template,
        check_data=False,
        description=f"{manifest.name}: {manifest.num_classes} classes, {stored}.",
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
