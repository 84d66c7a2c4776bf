"""What the answers of a served network come from, computed beside its predictions."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from fastapi import Request

from keras_alexnet.inference.explainer import Explainer
from keras_alexnet.serving.limits import unless_gone
from keras_alexnet.serving.pictures import PictureReader
from keras_alexnet.serving.refusal import Refusal, busy
from keras_alexnet.serving.served_model import ServedModel
from keras_alexnet.serving.service import Service
from tfrecords.errors import UserError

if TYPE_CHECKING:
    from keras_alexnet.inference.first_layer import FirstLayer

T = TypeVar("T")
MOST_WAITING = 16  # explanations; one is computed at a time


class ModelInsight:
    """What explains the answers of one version of a network; one thread may use it.

    Args:
        model: Whose pictures and probabilities they are.

    Attributes:
        network: That the model serves.
        explainer: Of its images; a pass waits behind those of predictions.
        left: Whether whoever asked has gone, so that no further pass is made.
    """

    def __init__(self, model: ServedModel) -> None:
        network = model.network
        self.network = network
        self._compute = model.compute
        self._reader = PictureReader(network, 1)
        self.left = threading.Event()
        self.explainer = Explainer(
            network.preprocessing.mean,
            self._probabilities,
            model.labels,
            lambda: network.model,
        )

    def image(self, data: bytes) -> np.ndarray:
        """Return what the network sees of a picture in the centre.

        Raises:
            Refusal: Status 422, it cannot be read.
        """
        return self._reader.read(data)

    @cached_property
    def first_layer(self) -> "FirstLayer":
        """The kernels of conv1 and their responses; an export raises UserError."""
        return self.network.first_layer()

    @property
    def has_gradients(self) -> bool:
        """Whether there is a Keras model, which Grad-CAM and the first layer need."""
        try:
            return self.network.model is not None
        except UserError:
            return False

    def _probabilities(self, images: np.ndarray) -> np.ndarray:
        if self.left.is_set():
            raise Refusal(499, "Whoever asked has gone.")
        return self._compute(images)


class Insight:
    """Looks into the network of a service, for one request at a time.

    Args:
        service: Whose model and limits they are.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._thread = ThreadPoolExecutor(1, "insight")
        self._waiting = 0
        self._made: tuple[ServedModel, ModelInsight] | None = None

    async def look(
        self, request: Request, picture: bytes | None, find: Callable[[ModelInsight], T]
    ) -> T:
        """Return what a function finds, computed in a thread of its own.

        Args:
            request: Of which the body is read; if its sender goes, it is given up.
            picture: Whose header is checked first; None: there is none.
            find: What is computed.

        Raises:
            Refusal: Status 422, the picture or what is asked cannot be answered; 503,
                too many wait.
            ClientDisconnect: The sender has gone.
        """
        if picture is not None:
            self._service.check_picture(picture)
        if self._waiting >= MOST_WAITING:
            raise busy("Too many explanations wait. Try again in a second.")
        model = self._service.model
        left = threading.Event()
        self._waiting += 1
        try:
            with model.used():
                return await unless_gone(request, self._in_thread(model, left, find))
        finally:
            left.set()
            self._waiting -= 1

    async def _in_thread(
        self,
        model: ServedModel,
        left: threading.Event,
        find: Callable[[ModelInsight], T],
    ) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._find, model, left, find)

    def _find(
        self,
        model: ServedModel,
        left: threading.Event,
        find: Callable[[ModelInsight], T],
    ) -> T:
        if self._made is None or self._made[0] is not model:
            self._made = model, ModelInsight(model)
        insight = self._made[1]
        insight.left = left
        try:
            return find(insight)
        except UserError as error:
            raise Refusal(422, error) from None
