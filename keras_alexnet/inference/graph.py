"""From the bytes of pictures to named classes, as one TensorFlow graph."""

import shutil
import tempfile
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import tensorflow as tf

from keras_alexnet.data.preprocessing import Preprocessing, check_num_views
from keras_alexnet.inference.probabilities import view_probabilities
from keras_alexnet.layers.kernel_forms import NATIVE, use_forms
from tfrecords.dataset.labels import write_labels
from tfrecords.dataset.names import LABELS_FILE
from tfrecords.ranges import check_count


class ClassifierGraph:
    """The graph functions of one network, which an export is made of.

    Args:
        model: Images to logits, a functional Keras model.
        labels: Class names in label order, one for each output.
        preprocessing: From the bytes of pictures to its images.
        num_views: 1 or 10 views of each picture.
        top: Number of classes to name; at most the number of classes.

    Raises:
        UserError: `num_views` is neither 1 nor 10, or `top` is less than 1.
    """

    def __init__(
        self,
        model: keras.Model,
        labels: Sequence[str],
        preprocessing: Preprocessing,
        *,
        num_views: int = 1,
        top: int = 5,
    ) -> None:
        check_num_views(num_views)
        check_count("top", top)
        self.model = model
        self.labels = list(labels)
        self.preprocessing = preprocessing
        self.num_views = num_views
        layers = model.layers
        kinds = [type(layer) for layer in layers]
        last_maps = kinds.index(keras.layers.Flatten) - 1
        hidden = [x for x in layers[:-1] if isinstance(x, keras.layers.Dense)]
        self._features = [layer.name for layer in (layers[last_maps], *hidden)]
        self.top = min(top, len(self.labels))
        # A table read from a file, so that the names travel as an asset, which is
        # copied from there: the file lives as long as this does.
        folder = tempfile.mkdtemp()
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        write_labels(Path(folder), self.labels)
        self.names = tf.lookup.StaticHashTable(
            tf.lookup.TextFileInitializer(
                str(Path(folder, LABELS_FILE)),
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
        return {"images": self._images(image_bytes, self.num_views)}

    def from_images(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Name what is in float32 `(batch, size, size, 3)` with the mean subtracted."""
        return self._answer(_batch(images, self.image_spec))

    def portable(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return `probabilities` of preprocessed images, for other runtimes to convert.

        The same numbers in fewer, commoner operations, which TensorFlow is slower with.
        """
        images = _batch(images, self.image_spec)
        with use_forms(NATIVE):
            return _rows(images, lambda x: {"probabilities": self._probabilities(x)})

    def features(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return activations of the centre view, float32.

        Those of the last maps, and of the fully connected layers below the head:
        `pool5`, `fc6` and `fc7`.
        """
        layers = {name: self.model.get_layer(name).output for name in self._features}
        features = keras.Model(self.model.input, layers)
        images = self._images(image_bytes, 1)
        return _rows(images, lambda x: features(x, training=False))

    def _images(self, image_bytes: tf.Tensor, num_views: int) -> tf.Tensor:
        image_bytes = _batch(image_bytes, self.bytes_spec)
        return self.preprocessing.images(image_bytes, num_views)

    def _probabilities(self, images: tf.Tensor) -> tf.Tensor:
        return view_probabilities(self.model)(images)

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
