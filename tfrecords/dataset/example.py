"""What one record holds: the keys of an Example, and how a picture becomes one."""

from dataclasses import dataclass

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

FORMATS = {JPEG: "JPEG", ORIGINAL: "JPEG", RAW: "RAW"}  # of an encoding


@dataclass(frozen=True, slots=True)
class PictureRecord:
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


def encode_example(record: PictureRecord) -> bytes:
    """Serialise a record as a `tf.train.Example`; equal records give equal bytes."""
    import tensorflow as tf

    example = tf.train.Example()
    # Filled in place: a Feature that is handed over is copied, picture and all.
    feature = example.features.feature

    def raw(key: str, value: bytes) -> None:
        feature[key].bytes_list.value.append(value)

    def text(key: str, value: str) -> None:
        raw(key, value.encode("utf-8", "surrogateescape"))

    def number(key: str, value: int) -> None:
        feature[key].int64_list.value.append(value)

    raw(ENCODED, record.encoded)
    text(FORMAT, record.format)
    number(HEIGHT, record.height)
    number(WIDTH, record.width)
    number(CHANNELS, 3)
    text(COLORSPACE, "RGB")
    text(FILENAME, record.filename)
    number(LABEL, record.label)
    text(SYNSET, record.synset)
    text(TEXT, record.text)
    return example.SerializeToString(deterministic=True)


def decode_example(serialised: bytes) -> PictureRecord:
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

    return PictureRecord(
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
