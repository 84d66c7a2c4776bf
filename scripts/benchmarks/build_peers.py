"""How others turn class/picture folders into TFRecords, to be measured beside ours.

    python scripts/benchmarks/build_peers.py PEER TREE OUT

`pillow` is what one would write for the day, and `pillow-statistics` that with sums of
pixels and a hash. The others let tensorflow-datasets prepare the folder; its
ImageFolder only reads, so a GeneratorBasedBuilder with ImageFolder's features is taken,
which makes the same squares (`resized`) or stores the files.
"""

import functools
import hashlib
import io
import os
import sys
from pathlib import Path

from PIL import Image

SIDE = 256  # pixels
QUALITY = 95


def square(path: Path) -> Image.Image:
    """Scale the shorter side to 256 and cut the centre out."""
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    scale = SIDE / min(image.size)
    width, height = (round(side * scale) for side in image.size)
    image = image.resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - SIDE) // 2, (height - SIDE) // 2
    return image.crop((left, top, left + SIDE, top + SIDE))


def encode(image: Image.Image) -> bytes:
    """Return a JPEG."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def build_with_pillow(tree: Path, out: Path, *, statistics: bool = False) -> None:
    """Write one TFRecord file, in one loop, with the keys that ours have.

    Statistics are mean image and covariance of the colours, before JPEG, and SHA-256.
    """
    import numpy as np
    import tensorflow as tf

    sums, products = np.zeros((SIDE, SIDE, 3)), np.zeros((3, 3))

    def raw(value: bytes) -> tf.train.Feature:
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    def number(value: int) -> tf.train.Feature:
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))

    labels = {path.name: i for i, path in enumerate(sorted(tree.iterdir()))}
    out.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(out / "train.tfrecord")) as writer:
        for path in sorted(tree.glob("*/*")):
            name = path.parent.name
            image = square(path)
            if statistics:
                pixels = np.asarray(image, np.float64)
                sums += pixels
                colours = pixels.reshape(-1, 3)
                products += colours.T @ colours
            feature = {
                "image/encoded": raw(encode(image)),
                "image/format": raw(b"JPEG"),
                "image/height": number(SIDE),
                "image/width": number(SIDE),
                "image/channels": number(3),
                "image/colorspace": raw(b"RGB"),
                "image/filename": raw(path.name.encode()),
                "image/class/label": number(labels[name]),
                "image/class/synset": raw(name.encode()),
                "image/class/text": raw(name.encode()),
            }
            features = tf.train.Features(feature=feature)
            writer.write(tf.train.Example(features=features).SerializeToString())
    if statistics:
        np.savez(out / "statistics.npz", sums=sums, products=products)
        with open(out / "train.tfrecord", "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        (out / "train.sha256").write_text(digest)


def build_with_tfds(tree: Path, out: Path, *, resized: bool) -> None:
    """Let tensorflow-datasets shuffle, shard and write."""
    os.environ["NO_GCE_CHECK"] = "true"  # no look-up on the network
    import tensorflow_datasets as tfds

    class Folder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        """A folder of pictures."""

        name = "folder"
        VERSION = tfds.core.Version("1.0.0")
        pkg_dir_path = None

        def _info(self):
            names = sorted(path.name for path in tree.iterdir())
            features = {
                "image": tfds.features.Image(encoding_format="jpeg"),
                "image/filename": tfds.features.Text(),
                "label": tfds.features.ClassLabel(names=names),
            }
            features = tfds.features.FeaturesDict(features)
            return tfds.core.DatasetInfo(builder=self, features=features)

        def _split_generators(self, dl_manager):
            return {"train": self._generate_examples()}

        def _generate_examples(self):
            for path in sorted(tree.glob("*/*")):
                image = io.BytesIO(encode(square(path))) if resized else path
                name, label = path.name, path.parent.name
                example = {"image": image, "image/filename": name, "label": label}
                yield f"{label}/{name}", example

    Folder(data_dir=out).download_and_prepare()


PEERS = {
    "pillow": build_with_pillow,
    "pillow-statistics": functools.partial(build_with_pillow, statistics=True),
    "tfds-resized": functools.partial(build_with_tfds, resized=True),
    "tfds-copied": functools.partial(build_with_tfds, resized=False),
}

if __name__ == "__main__":
    sys.path.pop(0)  # profile.py here is not Python's
    peer, *folders = sys.argv[1:]
    PEERS[peer](*map(Path, folders))
