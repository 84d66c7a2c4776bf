"""From pictures to named classes; knows no folder: all is handed to it."""

from typing import TYPE_CHECKING

from keras_alexnet.keras_settings import check_backend
from keras_alexnet.registry import hand_on

if TYPE_CHECKING:
    from keras_alexnet.inference.classifier import Prediction, classify
    from keras_alexnet.inference.graph import ClassifierGraph
    from keras_alexnet.inference.probabilities import view_probabilities

__all__ = ["ClassifierGraph", "Prediction", "classify", "view_probabilities"]

check_backend()

__getattr__, __dir__ = hand_on(
    __name__,
    {
        "ClassifierGraph": "keras_alexnet.inference.graph",
        "Prediction": "keras_alexnet.inference.classifier",
        "classify": "keras_alexnet.inference.classifier",
        "view_probabilities": "keras_alexnet.inference.probabilities",
    },
)
