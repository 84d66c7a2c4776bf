"""Error rates of trained networks."""

from typing import TYPE_CHECKING

from keras_alexnet.keras_settings import check_backend
from keras_alexnet.registry import hand_on

if TYPE_CHECKING:
    from keras_alexnet.evaluation.accuracy import evaluate
    from keras_alexnet.evaluation.result import Evaluation

__all__ = ["Evaluation", "evaluate"]

check_backend()

__getattr__, __dir__ = hand_on(
    __name__,
    {
        "Evaluation": "keras_alexnet.evaluation.result",
        "evaluate": "keras_alexnet.evaluation.accuracy",
    },
)
