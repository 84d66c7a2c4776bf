"""Tables of names, and names of a package, whose modules are imported at first use.

Why: TensorFlow and Keras take seconds to import, and most calls need one entry.
"""

import importlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from tfrecords.errors import UserError

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """What stands under a name, in the order in which it was entered.

    Args:
        noun: What the names are names of, for the error.
        places: Name -> `module:attribute`.

    Raises:
        UserError: Looked up by a name that is not there.
    """

    def __init__(self, noun: str, places: Mapping[str, str]) -> None:
        self.noun = noun
        self.places = dict(places)

    def __getitem__(self, name: str) -> T:
        if name not in self.places:
            raise UserError(
                f"Unknown {self.noun} {name!r}. Expected one of: {', '.join(self)}"
            )
        module, _, attribute = self.places[name].partition(":")
        return getattr(importlib.import_module(module), attribute)

    def __contains__(self, name: object) -> bool:
        return name in self.places

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)


def hand_on(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` of a package that imports at first use.

    Args:
        package: Its `__name__`.
        homes: Public name -> the module that has it; a module itself -> "".
    """

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        if not homes[name]:
            return importlib.import_module(f"{package}.{name}")
        return getattr(importlib.import_module(homes[name]), name)

    return get, lambda: sorted(homes)
