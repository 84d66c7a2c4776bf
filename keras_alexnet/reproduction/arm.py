"""One of the trainings that an experiment compares."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from keras_alexnet.presets import AnyPreset, named_preset

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Arm:
    """A network and its recipe, by what differs from a preset.

    Attributes:
        name: What its runs are called; the same name is the same training in every
            experiment, so one run serves all of them.
        preset: Name of a preset.
        overrides: Fields of it or of its recipe.
        until: Training error, of an epoch's pictures as they were seen, at which the
            run ends; None: at its last epoch.
    """

    name: str
    preset: str
    overrides: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    until: float | None = None

    def preset_of(self, seed: int, common: Mapping[str, Any]) -> AnyPreset:
        """Return what is trained.

        Args:
            seed: Of initial weights, order, crops, colours, dropout.
            common: Fields that all arms of the experiment have, which come before
                the arm's own: two epochs are asked for to see that it works.
        """
        fields = {**self.overrides, **common}
        return named_preset(self.preset).replace(**fields, seed=seed)
