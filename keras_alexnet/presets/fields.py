"""What presets of all kinds do with their fields."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from numbers import Integral
from typing import Any, ClassVar, Self

from keras_alexnet.presets.recipe import Recipe
from tfrecords.errors import UserError

# What kind of number, and the interval that it, or each of them, is in.
Ranges = Mapping[str, tuple[type, float, float]]


class PresetFields(ABC):
    """Base of the frozen dataclasses that are presets: a network and its recipe."""

    # What `lrn` is made of, in nets that may have one.
    NORM: ClassVar[type]

    name: str
    description: str
    input_size: int
    lrn: Any = None
    recipe: Recipe

    # What each kind of preset says of its layers, in order: convolutions, subsamplings
    # and unshared layers that give maps; fully connected layers before the head; the
    # head, of the classes.
    @property
    @abstractmethod
    def convolutions(self) -> tuple[str, ...]:
        """Names of the layers with weights that give maps."""

    @property
    @abstractmethod
    def hidden(self) -> tuple[str, ...]:
        """Names of the fully connected layers before the head."""

    @property
    @abstractmethod
    def head(self) -> str:
        """Name of the layer of the classes, however many they are."""

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers with weights, in order."""
        return (*self.convolutions, *self.hidden, self.head)

    @property
    def towers(self) -> int:
        """In how many parts the channels fall."""
        return 1

    def layer_rate(self, layer: str) -> float:
        """Return what the rate of a layer is multiplied by; 0 freezes it."""
        last = self.recipe.freeze_through
        if last is not None and self.layers.index(layer) <= self.layers.index(last):
            return 0.0
        return self.recipe.layer_rates.get(layer, 1.0)

    def check_layers(self) -> None:
        """Refuse a recipe that names layers which the network has not.

        Raises:
            UserError: It does, or freezes the head.
        """
        recipe, layers = self.recipe, self.layers
        last = recipe.freeze_through
        if last is not None and last not in layers[:-1]:
            raise UserError(
                f"Expected freeze_through of {', '.join(layers[:-1])}, got {last!r}."
            )
        for name in ("rates", "decays"):
            given = getattr(recipe, f"layer_{name}")
            if unknown := [layer for layer in given if layer not in layers]:
                raise UserError(
                    f"Expected {name} of {', '.join(layers)}, got {unknown[0]!r}."
                )

    @property
    def network(self) -> dict[str, Any]:
        """The fields that the network is made of, by name."""
        about = ("name", "description", "recipe")
        names = (name for name in _names(self) if name not in about)
        return {name: getattr(self, name) for name in names}

    def replace(self, **overrides: Any) -> Self:
        """Return a copy with fields of it or of its recipe changed.

        Raises:
            UserError: Unknown names, or values that are none.
        """
        own, trained = _names(self), _names(self.recipe)
        unknown = sorted(set(overrides) - {*own, *trained})
        if unknown:
            raise UserError(
                f"Unknown preset field {', '.join(unknown)}. "
                f"Expected one of: {', '.join((*own, *trained))}"
            )
        fields = {name: overrides.pop(name) for name in trained if name in overrides}
        if isinstance(overrides.get("recipe"), Mapping):
            overrides["recipe"] = type(self.recipe)(**overrides["recipe"])
        if fields:
            recipe = overrides.get("recipe", self.recipe)
            overrides["recipe"] = dataclasses.replace(recipe, **fields)
        if "lrn" in overrides:
            overrides["lrn"] = self._normalisation(overrides["lrn"])
        changed = {name: as_tuples(value) for name, value in overrides.items()}
        return dataclasses.replace(self, **changed)  # type: ignore[type-var]

    def _normalisation(self, given: Any) -> Any:
        """Return the constants that are meant by one of the ways to say them."""
        if isinstance(given, Mapping):
            return self.NORM(**given)
        if given is True:
            return self.lrn or self.NORM()
        return None if given is False else given


def as_tuples(value: Any) -> Any:
    """Return a list, as JSON has them, and those in it as tuples; others as is."""
    if isinstance(value, list | tuple):
        return tuple(map(as_tuples, value))
    return value


def check_fields(
    kind: str, fields: Any, ranges: Ranges, words: Iterable[tuple[str, Any]] = ()
) -> None:
    """Refuse numbers out of their ranges.

    Args:
        kind: What has the fields, for the error.
        fields: Numbers, or tuples of them, by attribute.
        ranges: Of each field.
        words: Fields with what may stand there in place of a number.

    Raises:
        UserError: One is none, or out of its range.
    """
    for name, (number, least, most) in ranges.items():
        value = getattr(fields, name)
        for each in value if isinstance(value, tuple) else (value,):
            if (name, each) in words:
                continue
            # Comparisons with NaN are false.
            known = isinstance(each, number) and not isinstance(each, bool)
            if not known or not least <= each <= most:
                whole = ", a whole number" if number is Integral else ""
                raise UserError(
                    f"Expected {kind} field {name} from {least} to {most}{whole}. "
                    f"Received: {value}"
                )


def _names(fields: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(fields))
