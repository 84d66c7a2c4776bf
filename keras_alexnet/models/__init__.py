"""AlexNet and its relatives as uncompiled Keras models, imported at first use."""

from typing import TYPE_CHECKING

from keras_alexnet.keras_settings import check_backend
from keras_alexnet.registry import hand_on

if TYPE_CHECKING:
    from keras_alexnet.models.cifar import cifar_net
    from keras_alexnet.models.lenet import lenet5
    from keras_alexnet.models.network import alexnet

__all__ = ["alexnet", "cifar_net", "lenet5"]

check_backend()  # before a module of this room imports Keras

__getattr__, __dir__ = hand_on(
    __name__,
    {
        "alexnet": "keras_alexnet.models.network",
        "cifar_net": "keras_alexnet.models.cifar",
        "lenet5": "keras_alexnet.models.lenet",
    },
)
