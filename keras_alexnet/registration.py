"""Makes what is saved known to Keras, as soon as both are imported, in either order.

`keras.models.load_model` finds a class of ours only once the module that defines it has
been imported. To import these with the package would import TensorFlow, which takes
seconds; so it is done when somebody else has imported it.
"""

import importlib
import sys
import threading
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

# The modules that define what Keras saves by a name of ours.
MODULES = (
    "keras_alexnet.layers.lenet",
    "keras_alexnet.layers.locally_connected",
    "keras_alexnet.towers.layers",
    "keras_alexnet.towers.network",
    "keras_alexnet.training.devices.distributed_model",
    "keras_alexnet.training.update.loss_scale",
    "keras_alexnet.training.update.metrics",
)


def register() -> None:
    """Import the modules of all registered classes now, or after Keras.

    With another backend than TensorFlow Keras is left alone.
    """
    if _keras_is_there():
        _import_modules()
    else:
        sys.meta_path.insert(0, _AfterKeras())


def _keras_is_there() -> bool:
    return hasattr(sys.modules.get("keras"), "config")


def _import_modules() -> None:
    if sys.modules["keras"].config.backend() == "tensorflow":
        for module in MODULES:
            importlib.import_module(module)


class _AfterKeras(MetaPathFinder):
    """Registers when the outermost import that brings Keras has ended.

    Not sooner: TensorFlow imports Keras before it is complete itself, and so do modules
    of ours that others of them wait for.
    """

    def __init__(self) -> None:
        self.thread = threading.local()

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        ours = name.startswith("keras_alexnet.")
        if not ours and name not in ("keras", "tensorflow"):
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            self._follow(spec)
        return spec

    def _follow(self, spec: ModuleSpec) -> None:
        loader = spec.loader
        assert loader is not None
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            self.thread.depth = getattr(self.thread, "depth", 0) + 1
            try:
                execute(module)
            finally:
                self.thread.depth -= 1
            if not self.thread.depth and self in sys.meta_path and _keras_is_there():
                sys.meta_path.remove(self)
                _import_modules()

        loader.exec_module = exec_module  # type: ignore[method-assign]
