"""A trained network: a model, its class names and its preprocessing."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from keras_alexnet.data.preprocessing import Preprocessing
from keras_alexnet.device_memory import memory_explained, memory_text
from keras_alexnet.inference.classifier import Prediction, classify
from keras_alexnet.inference.explainer import Explainer, Explanation, Method
from keras_alexnet.inference.picture_bytes import (
    Picture,
    answer_pictures,
    check_picture,
    unreadable,
)
from keras_alexnet.inference.runtimes import (
    RUNTIMES,
    InferencePrecision,
    RuntimeName,
)
from keras_alexnet.trained.config_file import NetworkConfig
from tfrecords import Statistics
from tfrecords.errors import UserError

if TYPE_CHECKING:
    import keras

    from keras_alexnet.inference.features import FeatureExtractor
    from keras_alexnet.inference.first_layer import FirstLayer
    from keras_alexnet.models.layer_names import LayerChoice


class TrainedNetwork:
    """What predicts, is evaluated and is exported, whatever computes it.

    Args:
        model: float32 Keras model, images to logits; or the file of an export, which
            the runtime reads.
        labels: Class names in label order, one for each output.
        config: What the network is.
        statistics: Of the pictures that it learnt from; their mean is subtracted.
        path: Folder that it lies in, for messages and reports.
        runtime: Name in `inference.runtimes.RUNTIMES` of what computes it.
        precision: float32 or mixed_bfloat16, of its layers.

    Attributes:
        labels, config, statistics, path, runtime, precision: As given.
        preprocessing: From the bytes of pictures to images.

    Raises:
        UserError: Unknown runtime, its package is missing, or oneDNN is told to refuse
            the precision.
    """

    def __init__(
        self,
        model: "keras.Model | Path",
        labels: Sequence[str],
        config: NetworkConfig,
        statistics: Statistics,
        *,
        path: Path | str = "",
        runtime: RuntimeName = "tensorflow",
        precision: InferencePrecision = "float32",
    ) -> None:
        self._model = model
        self.labels = list(labels)
        self.config = config
        self.statistics = statistics
        self.preprocessing = Preprocessing.of(config.preprocessing, statistics)
        self.path = Path(path)
        self.runtime = runtime
        self.precision = precision
        self._compute = RUNTIMES[runtime](model, precision=precision)
        self._images: dict[int, Callable[[tf.Tensor], tf.Tensor]] = {}

    @property
    def model(self) -> "keras.Model":
        """The Keras model: images `(batch, size, size, 3)` to logits, float32.

        Raises:
            UserError: This is an export, which has none.
        """
        if isinstance(self._model, Path):
            raise UserError(
                "Expected a run or network folder for a Keras model, got the export "
                f"{self.path}, which has none. Take the folder that it was made from."
            )
        return self._model

    @property
    def views(self) -> int:
        """Views of a picture where no number of them is asked for."""
        return 1

    def predict(
        self,
        pictures: Sequence[Picture],
        *,
        views: int | None = None,
        top: int = 5,
    ) -> list[Prediction]:
        """Name what is in pictures; those that cannot be read carry an error.

        Args:
            pictures: Paths of files, the bytes of files, or uint8 arrays
                `(height, width, 3)`, RGB.
            views: 1 for the centre; 10 for corners, centre and mirrors, of which the
                probabilities are averaged. None: 1, or those built into an export.
            top: Classes to name; at most all.

        Raises:
            UserError: A path is no file, an array no picture, an export has other
                views built in, or the device has not the memory.
        """
        probabilities = self.classifier(views)
        with memory_explained("the device", self._explain_memory):
            return list(classify(pictures, probabilities, self.labels, top=top))

    def probabilities(self, images: np.ndarray | tf.Tensor) -> np.ndarray:
        """Return class probabilities of preprocessed images.

        Args:
            images: float32 `(batch, size, size, 3)` or `(batch, views, size, size, 3)`
                with the mean subtracted, as `preprocessing.images` gives them.

        Returns:
            float32 `(batch, classes)`: the softmax, averaged over the views.

        Raises:
            UserError: The device has not the memory for so many images at once.
        """
        with memory_explained("the device", self._explain_memory):
            return self._compute(images)

    def classifier(self, views: int | None = None) -> Callable[[tf.Tensor], np.ndarray]:
        """Return a function from the bytes of pictures to class probabilities.

        Args:
            views: As in `predict`.

        Returns:
            A function of strings `(batch,)`, files as TensorFlow reads them, to float32
            `(batch, classes)`.
        """
        images = self._preprocess(1 if views is None else views)
        return lambda image_bytes: self._compute(images(image_bytes))

    def features(self, pictures: Sequence[Picture], layer: str = "fc7") -> np.ndarray:
        """Return what a layer makes of the centre view of pictures.

        TensorFlow computes it in float32, whatever runtime and precision.

        Args:
            pictures: As in `predict`.
            layer: `conv5`, `fc6_pre` (before the ReLU), `conv5_tower1` (half of the
                channels) and so on; see `models.layer_names.layer_names`.

        Returns:
            float32 `(pictures, rows, columns, channels)` or `(pictures, units)`.

        Raises:
            UserError: Unknown layer, a picture cannot be read, or this is an export.
        """
        from keras_alexnet.inference.features import answers_in_batches

        extractor = self.extractor([layer])
        for picture in pictures:
            check_picture(picture)
        found = np.zeros((len(pictures), *extractor.shapes[0]), np.float32)
        with memory_explained("the device", self._explain_memory):
            for place, row in enumerate(answers_in_batches(pictures, extractor)):
                if isinstance(row, str):
                    raise unreadable(place, pictures[place], row)
                found[place] = row[0]
        return found

    def explain(
        self,
        picture: Picture,
        method: Method = "occlusion",
        *,
        class_index: int | None = None,
        square: int | None = None,
        step: int | None = None,
    ) -> Explanation:
        """Say what parts of the centre view of a picture speak for a class.

        Args and errors are those of `image` and of `Explainer.explain`.
        """
        with memory_explained("the device", self._explain_memory):
            return self.explainer().explain(
                self.image(picture), method, class_index, square, step
            )

    def image(self, picture: Picture) -> np.ndarray:
        """Return what the network takes of the centre of a picture.

        Args:
            picture: One, as in `predict`.

        Returns:
            float32 `(size, size, 3)` with the mean subtracted.

        Raises:
            UserError: It cannot be read, or an export of an earlier release does not
                tell its preprocessing.
        """
        check_picture(picture)
        images = self._preprocess(1)
        (image,) = answer_pictures([picture], lambda given: list(images(given).numpy()))
        if isinstance(image, str):
            raise unreadable(0, picture, image)
        return image

    def explainer(self) -> Explainer:
        """Return what explains the answers to many images."""
        mean = self.preprocessing.mean
        return Explainer(mean, self._compute, self.labels, lambda: self.model)

    def first_layer(self) -> "FirstLayer":
        """Return the kernels of conv1, and what gives its responses to images.

        Raises:
            UserError: This is an export.
        """
        from keras_alexnet.inference.first_layer import FirstLayer

        first = self.config.preset.convolutions[0]
        kernel = self.model.get_layer(first).kernel.numpy()
        return FirstLayer(kernel, self.at(first), self.config.preset.towers)

    def at(self, layer: str) -> "keras.Model":
        """Return the network up to a layer, for gradients: images to its features.

        It has the variables of `model`. Args and errors are those of `features`.
        """
        import keras

        from keras_alexnet.inference.features import layer_outputs

        model = self.model
        (choice,) = choices = self.layers([layer])
        (output,) = layer_outputs(model, choices)
        return keras.Model(model.input, output, name=choice.name)

    def layers(self, names: Sequence[str]) -> "list[LayerChoice]":
        """Return what layers names and aliases mean; raises as `features` does."""
        # Here, because whoever answers from an export needs no room of models.
        from keras_alexnet.models.layer_names import choose_layer

        return [choose_layer(name, self.config.preset) for name in names]

    def extractor(self, layers: Sequence[str]) -> "FeatureExtractor":
        """Return what gives the features of several layers at once; see `features`."""
        from keras_alexnet.inference.features import FeatureExtractor

        model = self.model  # an export has none, and says so
        return FeatureExtractor(model, self.layers(layers), self._preprocess(1))

    def save(self, folder: Path | str) -> None:
        """Write a network folder, for `keras_alexnet.load`, whole or not at all.

        Raises:
            UserError: The folder holds something, cannot be written, or this is an
                export, which has no Keras model.
        """
        # Here, because whoever only predicts needs no Keras.
        from keras_alexnet.trained.folder import save_network

        save_network(folder, self.model, self.labels, self.config, self.statistics)

    def _explain_memory(self, device: str, available: int | None) -> str:
        """Say how many images at once the memory of a device holds, by estimate."""
        from keras_alexnet.models.memory import inference_memory  # seldom needed

        holds = ""
        if available is not None:
            preset = self.config.preset
            count = inference_memory(preset, len(self.labels)).images(available)
            holds = f" by estimate it holds {count:,};"
        return (
            f"So many images at once do not fit in {memory_text(device, available)}:"
            f"{holds} another program may hold some of it. End that, give fewer images "
            "at a time, or compute on the CPU: CUDA_VISIBLE_DEVICES=-1."
        )

    def _preprocess(self, views: int) -> Callable[[tf.Tensor], tf.Tensor]:
        if views not in self._images:
            preprocessing = self.preprocessing  # an export makes it, outside of a graph
            self._images[views] = tf.function(
                lambda image_bytes: preprocessing.images(image_bytes, views),
                input_signature=[tf.TensorSpec((None,), tf.string)],
                autograph=False,
            )
        return self._images[views]
