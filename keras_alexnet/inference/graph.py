"""From the bytes of pictures to named classes, as one TensorFlow graph."""

from collections.abc import Callable
from pathlib import Path

import keras
import tensorflow as tf

from keras_alexnet.data.picture import check_pictures, decode_picture
from keras_alexnet.data.views import centre_view, ten_views
from keras_alexnet.evaluation.accuracy import load_in_precision, view_probabilities
from keras_alexnet.inference.runtimes.openvino import Precision
from keras_alexnet.layers.native_kernels import native_kernels
from keras_alexnet.trained.config_file import TrainConfig
from keras_alexnet.trained.folder import (
    LABELS_FILE,
    load_labels,
    load_mean,
)
from tfrecords.errors import DatasetError
from tfrecords.ranges import check_count

FEATURES = ("pool5", "fc6", "fc7")  # activations that the `features` signature gives


class ServedNetwork:
    """The graph functions of one run: what is exported is also what predicts here.

    Args:
        run: Run folder.
        num_views: 1 or 10 views of each picture.
        top: Number of classes to name; at most the number of classes.
        precision: float32 or mixed_bfloat16, of the layers; probabilities are float32.

    Raises:
        DatasetError: The run has no finished epoch or lacks a file.
        ValueError: `num_views` is neither 1 nor 10, or `top` is less than 1.
    """

    def __init__(
        self,
        run: Path | str,
        *,
        num_views: int = 1,
        top: int = 5,
        precision: Precision = "float32",
    ) -> None:
        if num_views not in (1, 10):
            raise ValueError(f"Expected 1 or 10 views. Received: {num_views}")
        check_count("top", top)
        run = Path(run)
        self.config = TrainConfig.load(run)
        self.model = load_in_precision(run, self.config, precision)
        self.mean = load_mean(run, self.config)
        self.num_views = num_views
        self.labels = load_labels(run)
        count = len(self.labels)
        if self.model.output_shape[-1] != count:
            raise DatasetError(
                f"Expected {self.model.output_shape[-1]} names in {run / LABELS_FILE}, "
                f"one for each output of the network, found {count}."
            )
        self.top = min(top, count)
        # A table read from a file, so that the names travel as an asset.
        self.names = tf.lookup.StaticHashTable(
            tf.lookup.TextFileInitializer(
                str(run / LABELS_FILE),
                tf.int64,
                tf.lookup.TextFileIndex.LINE_NUMBER,
                tf.string,
                tf.lookup.TextFileIndex.WHOLE_LINE,
            ),
            default_value="",
        )

    @property
    def image_spec(self) -> tf.TensorSpec:
        """What the `images` signature takes."""
        size = self.model.input_shape[1]
        return tf.TensorSpec((None, size, size, 3), tf.float32, name="images")

    @property
    def bytes_spec(self) -> tf.TensorSpec:
        """What `serving_default` and `features` take."""
        return tf.TensorSpec((None,), tf.string, name="image_bytes")

    def from_bytes(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        """Name what is in encoded pictures.

        Args:
            image_bytes: string `(batch,)`, JPEG, PNG, GIF or BMP.

        Returns:
            `probabilities` float32 `(batch, classes)`; the best `classes` int32
            `(batch, top)` with their `scores` (probabilities) and `labels` (names).
        """
        return self._answer(self.preprocess(image_bytes)["images"])

    def preprocess(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return what the network takes of encoded pictures.

        Returns:
            `images` float32 `(batch, size, size, 3)`, or `(batch, 10, size, size, 3)`
            with ten views, the mean subtracted.
        """
        pictures = self._decode(image_bytes)
        cut = ten_views if self.num_views == 10 else centre_view
        return {"images": cut(pictures, self.model.input_shape[1]) - self.mean}

    def from_images(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Name what is in float32 `(batch, size, size, 3)` with the mean subtracted."""
        return self._answer(_batch(images, self.image_spec))

    def portable(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return `probabilities` of preprocessed images, for other runtimes to convert.

        The same numbers in fewer, commoner operations, which TensorFlow is slower with.
        """
        images = _batch(images, self.image_spec)
        with native_kernels():
            return _rows(images, lambda x: {"probabilities": self._probabilities(x)})

    def features(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return activations of the centre view, float32: `pool5`, `fc6` and `fc7`."""
        pictures = self._decode(image_bytes)
        images = centre_view(pictures, self.model.input_shape[1]) - self.mean
        layers = {name: self.model.get_layer(name).output for name in FEATURES}
        features = keras.Model(self.model.input, layers)
        return _rows(images, lambda x: features(x, training=False))

    def _probabilities(self, images: tf.Tensor) -> tf.Tensor:
        return view_probabilities(self.model)(images)

    def _decode(self, image_bytes: tf.Tensor) -> tf.Tensor:
        size, resize_filter = self.config.stored_size, self.config.resize_filter
        turn = bool(self.config.apply_exif)
        image_bytes = _batch(image_bytes, self.bytes_spec)
        with tf.control_dependencies([check_pictures(image_bytes)]):
            return tf.map_fn(
                lambda encoded: decode_picture(encoded, size, resize_filter, turn),
                image_bytes,
                fn_output_signature=tf.TensorSpec((size, size, 3), tf.float32),
            )

    def _answer(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        found = _rows(images, lambda x: {"probabilities": self._probabilities(x)})
        probabilities = found["probabilities"]
        scores, classes = tf.math.top_k(probabilities, self.top)
        return {
            "probabilities": probabilities,
            "classes": classes,
            "scores": scores,
            "labels": self.names.lookup(tf.cast(classes, tf.int64)),
        }


def _batch(batch: tf.Tensor, spec: tf.TensorSpec) -> tf.Tensor:
    """Check the shape: TensorFlow does not, and one picture alone ends the process."""
    return tf.ensure_shape(batch, spec.shape, name=f"expected_a_batch_of_{spec.name}")


def _rows(
    images: tf.Tensor, network: Callable[[tf.Tensor], dict[str, tf.Tensor]]
) -> dict[str, tf.Tensor]:
    """Return the outputs of a network, no rows for no images.

    Convolutions do not take an empty batch: it gets a black image, and loses its row.
    """
    count = tf.shape(images)[0]
    black = tf.zeros((1, *images.shape[1:]))
    filled = tf.cond(count > 0, lambda: images, lambda: black)
    filled = tf.ensure_shape(filled, images.shape)
    return {name: rows[:count] for name, rows in network(filled).items()}
