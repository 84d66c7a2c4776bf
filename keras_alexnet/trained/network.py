"""A trained network: a model, its class names and its preprocessing."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from keras_alexnet.data.preprocessing import Preprocessing
from keras_alexnet.device_memory import memory_explained, memory_text
from keras_alexnet.inference.classifier import Picture, Prediction, classify
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


class TrainedNetwork:
    """What predicts, is evaluated and is exported, whatever computes it.

    Args:
        model: float32 Keras model, images to logits.
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
        model: "keras.Model",
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
        """The Keras model: images `(batch, size, size, 3)` to logits, float32."""
        return self._model

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
            self._images[views] = tf.function(
                lambda image_bytes: self.preprocessing.images(image_bytes, views),
                input_signature=[tf.TensorSpec((None,), tf.string)],
                autograph=False,
            )
        return self._images[views]


class ExportedNetwork(TrainedNetwork):
    """A SavedModel of ours: its views are built in, and there is no Keras model.

    Args:
        loaded: What `tf.saved_model.load` gave, with its signatures.
        labels: Class names in label order.
        known: What the network is and its statistics; None, of an earlier release.
        path: The version folder.
        runtime: As in `TrainedNetwork`; openvino takes the signatures `preprocess` and
            `portable`.
        precision: As in `TrainedNetwork`; TensorFlow runs an export as it is.
    """

    def __init__(
        self,
        loaded: Any,
        labels: Sequence[str],
        known: tuple[NetworkConfig, Statistics] | None,
        *,
        path: Path,
        runtime: RuntimeName = "tensorflow",
        precision: InferencePrecision = "float32",
    ) -> None:
        self._loaded = loaded
        self._known = known
        self.labels = list(labels)
        self.path = path
        self.runtime = runtime
        self.precision = precision
        self._compute = RUNTIMES[runtime](loaded, precision=precision)

    @property
    def model(self) -> "keras.Model":
        """There is none.

        Raises:
            UserError: Always.
        """
        raise UserError(
            f"Expected a run or network folder for a Keras model, got the export "
            f"{self.path}, which has none. Take the folder that it was made from."
        )

    @property
    def config(self) -> NetworkConfig:  # type: ignore[override]
        """What the network is.

        Raises:
            UserError: An earlier release did not write it.
        """
        return self._facts()[0]

    @property
    def statistics(self) -> Statistics:  # type: ignore[override]
        """Of the pictures that it learnt from; raises as `config` does."""
        return self._facts()[1]

    @property
    def preprocessing(self) -> Preprocessing:  # type: ignore[override]
        """From the bytes of pictures to images; raises as `config` does."""
        return Preprocessing.of(self.config.preprocessing, self.statistics)

    def classifier(self, views: int | None = None) -> Callable[[tf.Tensor], np.ndarray]:
        """See `TrainedNetwork`.

        Raises:
            UserError: Other views than those built in are asked for.
        """
        self._check_views(views)
        signatures = self._loaded.signatures
        if self.runtime == "tensorflow":
            answer = signatures["serving_default"]
            return lambda given: answer(image_bytes=given)["probabilities"].numpy()
        preprocess = signatures["preprocess"]
        return lambda given: self._compute(preprocess(image_bytes=given)["images"])

    def _check_views(self, views: int | None) -> None:
        built_in = _built_in_views(self._loaded.signatures)
        if views not in (None, built_in):
            raise UserError(
                f"Expected {built_in or 'no'} view(s) for the exported model "
                f"{self.path}, which has its own built in, got {views}. Leave --views "
                "out, or take the folder that it was made from."
            )

    def _explain_memory(self, device: str, available: int | None) -> str:
        # An earlier release did not write what the estimate needs.
        known = available if self._known is not None else None
        return super()._explain_memory(device, known)

    def _facts(self) -> tuple[NetworkConfig, Statistics]:
        if self._known is None:
            raise UserError(
                f"Expected an export that says what its network is, got {self.path} of "
                "an earlier release. Make a new one with: alexnet export RUN OUT."
            )
        return self._known


def _built_in_views(signatures: Any) -> int | None:
    """Return the views of an export; None: an earlier release does not say."""
    if "preprocess" not in signatures:
        return None
    shape = signatures["preprocess"].structured_outputs["images"].shape
    return shape[1] if shape.rank == 5 else 1
