"""What a small net is: convolutions with pools, and layers that are fully connected."""

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, get_args

from keras_alexnet.presets.fields import PresetFields, as_tuples, check_fields
from keras_alexnet.presets.preset import LRN_RANGES, Step
from tfrecords.errors import UserError

PoolKind = Literal["max", "average"]
SMALL_HEAD = "fc10"  # as cuda-convnet calls it
_COUNT = (Integral, 1, 2**31 - 1)
_RANGES: dict[str, tuple[type, float, float]] = {
    **dict.fromkeys(("input_size", "filters", "units"), _COUNT),
    "weight_std": (Real, 0, 1e38),
}
_RECIPE_RANGES: dict[str, tuple[type, float, float]] = {
    **dict.fromkeys(("batch_size", "drops"), _COUNT),
    **dict.fromkeys(("learning_rate", "bias_rate", "decays"), (Real, 0, 1e38)),
    "momentum": (Real, 0, 1),
}
_NORM_RANGES = {
    "size": (Integral, 1, 2**31 - 1),
    **{name: LRN_RANGES[name] for name in ("bias", "alpha", "beta")},
}


@dataclass(frozen=True)
class InMapNorm:
    """Constants of the normalisation over places of one map."""

    size: int = 3  # pixels, side of the window
    bias: float = 1.0
    alpha: float = 5e-5 / 9  # per squared term; the files say 5e-5 and mean of 3 x 3
    beta: float = 0.75

    def __post_init__(self) -> None:
        check_fields("InMapNorm", self, _NORM_RANGES)
        if self.size % 2 == 0:
            raise UserError(f"Expected InMapNorm of odd size, got {self.size}.")


@dataclass(frozen=True)
class SmallRecipe:
    """The training that goes with a small net.

    Attributes:
        decays: Of each layer with weights: part of the weights that is taken off, times
            the rate.
        bias_rate: Rate of biases over the rate of weights.
        drops: Numbers of epochs after which all rates are divided by 10.
        epochs: Passes over the training pictures; None where its makers do not say.
        mean: What is subtracted: the mean image or the mean colour.
    """

    decays: tuple[float, ...]
    batch_size: int = 128
    learning_rate: float = 0.001
    momentum: float = 0.9
    bias_rate: float = 2.0
    drops: tuple[int, ...] = ()
    epochs: int | None = None
    mean: Literal["image", "channel"] = "image"

    def __post_init__(self) -> None:
        for name in ("decays", "drops"):
            object.__setattr__(self, name, as_tuples(getattr(self, name)))
        check_fields("SmallRecipe", self, _RECIPE_RANGES)


@dataclass(frozen=True)
class SmallPreset(PresetFields):
    """One small net: its shape, its initial values, and the training that goes with it.

    Tuples run over the convolutions, or as `weight_std` over all layers with weights:
    convolutions, hidden layers, the head. Biases begin at 0, strides are 1, maps keep
    their sides in a convolution, and pools are 3 x 3 windows with stride 2 of which the
    last ones end where the map does: 32, 16, 8, 4 pixels. Averages are of the pixels
    that are there.
    """

    NORM: ClassVar = InMapNorm

    name: str
    description: str
    weight_std: tuple[float, ...]
    recipe: SmallRecipe
    blocks: tuple[tuple[Step, ...], ...]  # after each convolution, in order
    input_size: int = 32  # pixels
    filters: tuple[int, ...] = (32, 32, 64)
    pools: tuple[PoolKind, ...] = ("max", "average", "average")
    activation: Literal["relu", "tanh"] = "relu"
    lrn: InMapNorm | None = None
    units: tuple[int, ...] = ()  # of the hidden layers
    hidden_activation: bool = True  # whether these have the activation

    @property
    def hidden(self) -> tuple[str, ...]:
        """Names of the fully connected layers before the head."""
        return tuple(f"fc{units}" for units in self.units)

    @property
    def head(self) -> str:
        """Name of the layer of the classes, however many they are."""
        return SMALL_HEAD

    @property
    def towers(self) -> int:
        """In how many parts the channels fall."""
        return 1

    def __post_init__(self) -> None:
        layers = len(self.filters) + len(self.units) + 1
        wanted = dict.fromkeys(("blocks", "pools"), len(self.filters))
        for name, length in {**wanted, "weight_std": layers}.items():
            _check_length(name, getattr(self, name), length)
        _check_length("decays", self.recipe.decays, layers)
        if len({*self.hidden, SMALL_HEAD}) <= len(self.units):
            raise UserError(
                f"Expected hidden layers of different units, none of 10, whose names "
                f"they are. Received: {self.units}"
            )
        for name, values, choices in (
            ("pools", self.pools, get_args(PoolKind)),
            ("activation", (self.activation,), ("relu", "tanh")),
        ):
            if not {*values} <= {*choices}:
                raise UserError(
                    f"SmallPreset field {name} is of {', '.join(choices)}. "
                    f"Received: {values}"
                )
        for block in self.blocks:
            known = {*block} <= {"activation", "lrn", "pool"}
            if not known or len({*block}) != len(block) or "pool" not in block:
                raise UserError(
                    "SmallPreset field blocks takes each of activation, lrn, pool once "
                    f"at most, and the pool. Received: {block}"
                )
        if self.lrn is not None and not any("lrn" in block for block in self.blocks):
            raise UserError(
                f"SmallPreset field lrn needs an 'lrn' step. Received: {self.blocks}"
            )
        check_fields("SmallPreset", self, _RANGES)


def _check_length(name: str, values: Any, length: int) -> None:
    if len(values) != length:
        raise UserError(
            f"SmallPreset field {name} needs {length} values. Received: {values}"
        )
