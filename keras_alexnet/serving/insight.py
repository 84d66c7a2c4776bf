"""What the answers of a served network come from, computed beside its predictions."""

import threading
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from fastapi import Request

from keras_alexnet.inference.explainer import Explainer
from keras_alexnet.serving.limits import unless_gone
from keras_alexnet.serving.pictures import PictureReader
from keras_alexnet.serving.refusal import Refusal
from keras_alexnet.serving.served_model import ServedModel
from keras_alexnet.serving.service import Service
from tfrecords.errors import UserError

if TYPE_CHECKING:
    from keras_alexnet.inference.first_layer import FirstLayer

T = TypeVar("T")


class ModelInsight:
    """What explains the answers of one version of a network; one thread may use it.

    Args:
        model: Whose pictures and probabilities they are.

    Attributes:
        network: That the model serves.
        explainer: Of its images; a pass waits behind those of predictions.
        left: Set where whoever asked has gone, so that no further pass is made.
    """

    def __init__(self, model: ServedModel) -> None:
        network = model.network
        self.network = network
        self.left = threading.Event()
        self._compute = model.compute
        self._reader = PictureReader(network, 1)
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
            raise UserError("Whoever asked has gone.")  # nobody reads it
        return self._compute(images)


class Insight:
    """Looks into the network of a service, for one request at a time.

    Args:
        service: Whose model and limits they are.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._made: tuple[ServedModel, ModelInsight] | None = None

    async def look(
        self, request: Request, picture: bytes | None, find: Callable[[ModelInsight], T]
    ) -> T:
        """Return what a function finds, computed while pictures are answered.

        Args:
            request: Of which the body is read; if its sender goes, it is given up.
            picture: Whose header is checked first; None: there is none.
            find: What is computed.

        Raises:
            Refusal: Status 422, the picture or what is asked cannot be answered; 503,
                too many wait.
            ClientDisconnect: The sender has gone.
        """
        left = threading.Event()

        def look(model: ServedModel) -> T:
            if picture is not None:
                self._service.check_picture(picture)
            insight = self._of(model)
            insight.left = left
            try:
                return find(insight)
            except UserError as error:
                raise Refusal(422, error) from None

        try:
            with self._service.model.used() as model:
                work = self._service.run_apart(look, model)
                return await unless_gone(request, work)
        finally:
            left.set()

    def _of(self, model: ServedModel) -> ModelInsight:
        if self._made is None or self._made[0] is not model:
            self._made = model, ModelInsight(model)
        return self._made[1]
