"""AlexNet (Krizhevsky, Sutskever, Hinton 2012), complete and exact, in Keras."""

import importlib
from typing import TYPE_CHECKING, Any

from keras_alexnet.registration import register
from keras_alexnet.version import VERSION as __version__

if TYPE_CHECKING:
    from keras_alexnet import data, layers
    from keras_alexnet.models import (
        LRN,
        PRESETS,
        Preset,
        alexnet,
        copy_weights,
        lenet5,
        two_towers,
    )

# Imported at first use, because TensorFlow takes seconds to import.
_HOMES = {
    "LRN": "keras_alexnet.models",
    "PRESETS": "keras_alexnet.models",
    "Preset": "keras_alexnet.models",
    "alexnet": "keras_alexnet.models",
    "copy_weights": "keras_alexnet.models",
    "lenet5": "keras_alexnet.models",
    "two_towers": "keras_alexnet.models",
    "data": "keras_alexnet",
    "layers": "keras_alexnet",
}

__all__ = [
    "LRN",
    "PRESETS",
    "Preset",
    "__version__",
    "alexnet",
    "copy_weights",
    "data",
    "layers",
    "lenet5",
    "two_towers",
]

register()


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if home == __name__:
        return importlib.import_module(f"{__name__}.{name}")
    return getattr(importlib.import_module(home), name)


def __dir__() -> list[str]:
    return sorted(__all__)
