"""What in a picture a network's answer comes from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from keras_alexnet.inference.classifier import NOT_FINITE
from keras_alexnet.inference.occlusion import occlusion_map
from tfrecords.errors import UserError

if TYPE_CHECKING:
    import keras

    from keras_alexnet.inference.grad_cam import GradCam

Method = Literal["occlusion", "grad_cam"]
METHODS: tuple[Method, ...] = get_args(Method)
_NOTHING = {
    "occlusion": "covering any part of the picture changes nothing",
    "grad_cam": "no part of the last maps speaks for this class",
}
_ROUNDING = 1e-6  # of a probability in float32, by another order of adding up
FindMap = Callable[[np.ndarray, int], np.ndarray]  # from an image and a class


@dataclass(frozen=True, eq=False)
class Explanation:
    """What parts of a picture speak for a class.

    Attributes:
        map: float32 `(size, size)`, as `occlusion_map` or `GradCam` gives it.
        class_index: Place of the class in the label order.
        label: Its name.
        probability: What the network gives it, 0 to 1.
        crop: uint8 `(size, size, 3)`, RGB: what the network saw.
        note: Why the map is 0 everywhere, or what rounding leaves of it; else empty.
    """

    map: np.ndarray
    class_index: int
    label: str
    probability: float
    crop: np.ndarray
    note: str = ""


class Explainer:
    """Explains the answers of one network.

    Args:
        mean: What images lose, float32 `(size, size, 3)` or `(3,)`.
        probabilities: From images, float32 `(batch, size, size, 3)` with the mean
            subtracted, to float32 `(batch, classes)`.
        labels: Class names in label order.
        model: Gives the Keras model, or raises UserError where there is none.
    """

    def __init__(
        self,
        mean: np.ndarray,
        probabilities: Callable[[np.ndarray], np.ndarray],
        labels: Sequence[str],
        model: "Callable[[], keras.Model]",
    ) -> None:
        self._mean = mean
        self._probabilities = probabilities
        self._labels = labels
        self._model = model
        self._grad_cam: GradCam | None = None

    def explain(
        self,
        image: np.ndarray,
        method: Method = "occlusion",
        class_index: int | None = None,
        square: int | None = None,
        step: int | None = None,
    ) -> Explanation:
        """Say what parts of an image speak for a class.

        Args:
            image: float32 `(size, size, 3)` with the mean subtracted.
            method: `occlusion` takes some hundred passes, but only probabilities;
                `grad_cam` takes one pass and its gradients, of a Keras model.
            class_index: Place of the class in the label order; None: the likeliest.
            square: Of occlusion, in pixels, as for `occlusion_map`.
            step: Of occlusion too.

        Raises:
            UserError: There is no such class or method, a number is out of its range or
                without effect, the network has no answer, or Grad-CAM is asked of an
                export.
        """
        find = self._method(method, square, step)
        row = self._probabilities(image[None])[0]
        if not np.isfinite(row).all():
            raise UserError(f"Expected a picture with an answer; {NOT_FINITE}.")
        if class_index is None:
            class_index = int(np.argmax(row))
        if not 0 <= class_index < len(row):
            raise UserError(
                f"Expected a class from 0 to {len(row) - 1}, got {class_index}."
            )
        found = find(image, class_index)
        return Explanation(
            map=found,
            class_index=class_index,
            label=self._labels[class_index],
            probability=float(row[class_index]),
            crop=self.crop(image),
            note="" if np.abs(found).max() > _ROUNDING else _NOTHING[method],
        )

    def crop(self, image: np.ndarray) -> np.ndarray:
        """Return the pixels that an image was made of: uint8 `(size, size, 3)`, RGB."""
        return np.rint(np.clip(image + self._mean, 0, 255)).astype(np.uint8)

    def grad_cam(self) -> "GradCam":
        """Return what computes Grad-CAM of the network.

        Raises:
            UserError: There is no Keras model, or it has no maps.
        """
        if self._grad_cam is None:
            try:
                model = self._model()
            except UserError as error:
                raise UserError(
                    "Expected a Keras network for Grad-CAM, which needs gradients: "
                    f"{error} Occlusion needs only probabilities."
                ) from None
            # Here, because an export needs no Keras.
            from keras_alexnet.inference.grad_cam import GradCam

            self._grad_cam = GradCam(model)
        return self._grad_cam

    def _method(self, method: str, square: int | None, step: int | None) -> FindMap:
        if method == "occlusion":
            return partial(
                occlusion_map,
                probabilities=self._probabilities,
                square=square,
                step=step,
            )
        if method != "grad_cam":
            raise UserError(
                f"Expected a method of {', '.join(METHODS)}. Received: {method!r}"
            )
        if square is not None or step is not None:
            raise UserError(
                "Expected square and step with occlusion only, got them with grad_cam. "
                "Leave them out."
            )
        return self.grad_cam()
