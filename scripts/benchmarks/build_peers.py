"""How others turn class/picture folders into TFRecords, to be measured beside ours.

    python scripts/benchmarks/build_peers.py {pillow,tfds-resized,tfds-copied} TREE OUT

`pillow` is what one would write for the day: one process, Pillow, TFRecordWriter.
The other two let tensorflow-datasets prepare the folder. Its ImageFolder only reads
(`download_and_prepare` raises NotImplementedError), so its documented way to shards
is taken: a GeneratorBasedBuilder with ImageFolder's features. `tfds-resized` makes the
same squares as `pillow` inside the generator; `tfds-copied` stores the files as they
are.
"""

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

from PIL import Image

SIDE = 256  # pixels
QUALITY = 95


def square(path: Path) -> bytes:
    """Scale the shorter side to 256, cut the centre out, encode as JPEG."""
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    scale = SIDE / min(image.size)
    width, height = (round(side * scale) for side in image.size)
    image = image.resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - SIDE) // 2, (height - SIDE) // 2
    buffer = io.BytesIO()
    image = image.crop((left, top, left + SIDE, top + SIDE))
    image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def listing(tree: Path) -> tuple[list[str], list[Path]]:
    """Return class names and pictures of a class/picture tree, sorted."""
    classes = sorted(entry.name for entry in tree.iterdir() if entry.is_dir())
    return classes, sorted(path for name in classes for path in (tree / name).iterdir())


def build_with_pillow(tree: Path, out: Path) -> None:
    """Write one TFRecord file, in one loop, with the keys that ours have."""
    import tensorflow as tf

    def raw(value: bytes) -> tf.train.Feature:
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    def number(value: int) -> tf.train.Feature:
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))

    classes, files = listing(tree)
    labels = {name: label for label, name in enumerate(classes)}
    out.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(out / "train.tfrecord")) as writer:
        for path in files:
            name = path.parent.name
            feature = {
                "image/encoded": raw(square(path)),
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


def build_with_tfds(tree: Path, out: Path, *, resized: bool) -> None:
    """Let tensorflow-datasets shuffle, shard and write."""
    os.environ["NO_GCE_CHECK"] = "true"  # no look-up on the network
    import tensorflow_datasets as tfds

    classes, files = listing(tree)

    class Folder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        """A folder of pictures."""

        name = "folder"
        VERSION = tfds.core.Version("1.0.0")
        pkg_dir_path = None

        def _info(self):
            return tfds.core.DatasetInfo(
                builder=self,
                features=tfds.features.FeaturesDict(
                    {
                        "image": tfds.features.Image(encoding_format="jpeg"),
                        "image/filename": tfds.features.Text(),
                        "label": tfds.features.ClassLabel(names=classes),
                    }
                ),
            )

        def _split_generators(self, dl_manager):
            return {"train": self._generate_examples()}

        def _generate_examples(self):
            for path in files:
                yield (
                    f"{path.parent.name}/{path.name}",
                    {
                        "image": io.BytesIO(square(path)) if resized else path,
                        "image/filename": path.name,
                        "label": path.parent.name,
                    },
                )

    Folder(data_dir=out).download_and_prepare()


PEERS: dict[str, Callable[[Path, Path], None]] = {
    "pillow": build_with_pillow,
    "tfds-resized": lambda tree, out: build_with_tfds(tree, out, resized=True),
    "tfds-copied": lambda tree, out: build_with_tfds(tree, out, resized=False),
}


def main(arguments: list[str]) -> int:
    """Run one of them."""
    if len(arguments) != 3 or arguments[0] not in PEERS:
        print(__doc__, file=sys.stderr)
        return 2
    name, tree, out = arguments
    PEERS[name](Path(tree), Path(out))
    return 0


if __name__ == "__main__":
    sys.path.pop(0)  # profile.py here is not Python's
    raise SystemExit(main(sys.argv[1:]))
