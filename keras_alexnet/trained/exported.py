"""A SavedModel of ours, opened as the network that it was made of."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from keras_alexnet.data.preprocessing import Preprocessing
from keras_alexnet.inference.runtimes import (
    RUNTIMES,
    InferencePrecision,
    RuntimeName,
)
from keras_alexnet.trained.config_file import NetworkConfig
from keras_alexnet.trained.network import TrainedNetwork
from tfrecords import Statistics
from tfrecords.errors import UserError


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
        self._model = path  # which is no Keras model, and `model` says so
        self._known = known
        self.labels = list(labels)
        self.path = path
        self.runtime = runtime
        self.precision = precision
        self._compute = RUNTIMES[runtime](loaded, precision=precision)
        self._images = {}

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

    @property
    def views(self) -> int:
        """Those built in; 1 where an earlier release does not say."""
        return _built_in_views(self._loaded.signatures) or 1

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
