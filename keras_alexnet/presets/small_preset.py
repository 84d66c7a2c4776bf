"""What a small net is: convolutions with pools, and layers that are fully connected."""

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, get_args

from keras_alexnet.presets.fields import PresetFields, check_fields
from keras_alexnet.presets.preset import LRN, LRN_RANGES, Step
from keras_alexnet.presets.recipe import Recipe
from tfrecords.errors import UserError

LayerKind = Literal["conv", "local"]  # with kernels that are shared, or one a place
PoolKind = Literal["max", "average"]
SMALL_HEAD = "fc10"  # as cuda-convnet calls it
_COUNT = (Integral, 1, 2**31 - 1)
_RANGES: dict[str, tuple[type, float, float]] = {
    **dict.fromkeys(("input_size", "filters", "kernels", "units"), _COUNT),
    "weight_std": (Real, 0, 1e38),
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
class SmallPreset(PresetFields):
    """One small net: its shape, its initial values, and the training that goes with it.

    Tuples run over the layers that give maps, or as `weight_std` over all layers with
    weights: those, hidden layers, the head. Biases begin at 0, strides are 1, maps keep
    their sides in a convolution, and pools are 3 x 3 windows with stride 2 of which the
    last ones end where the map does: 32, 16, 8, 4 pixels. Averages are of the pixels
    that are there. The text under a field is that of its option.
    """

    NORM: ClassVar = InMapNorm

    name: str
    description: str
    weight_std: tuple[float, ...]
    blocks: tuple[tuple[Step, ...], ...]  # after each convolution, in order
    recipe: Recipe
    input_size: int = 32
    """Side of the crops in pixels."""
    stored_size: int = 32  # pixels, of the pictures that they are cut from
    kinds: tuple[LayerKind, ...] = ("conv", "conv", "conv")
    kernels: tuple[int, ...] = (5, 5, 5)  # pixels
    filters: tuple[int, ...] = (32, 32, 64)
    pools: tuple[PoolKind | None, ...] = ("max", "average", "average")
    activation: Literal["relu", "tanh"] = "relu"
    """Non-linearity."""
    lrn: InMapNorm | LRN | None = None  # over places of a map, or across maps
    """Keep the preset's normalisations; --no-lrn leaves all out."""
    units: tuple[int, ...] = ()  # of the hidden layers
    hidden_activation: bool = True  # whether these have the activation

    @property
    def convolutions(self) -> tuple[str, ...]:
        """Names such as conv1, conv2, local3."""
        return tuple(f"{kind}{n}" for n, kind in enumerate(self.kinds, start=1))

    @property
    def hidden(self) -> tuple[str, ...]:
        """Names of the fully connected layers before the head."""
        return tuple(f"fc{units}" for units in self.units)

    @property
    def head(self) -> str:
        """fc10, as cuda-convnet calls it."""
        return SMALL_HEAD

    def __post_init__(self) -> None:
        maps = len(self.filters)
        wanted = dict.fromkeys(("kinds", "kernels", "blocks", "pools"), maps)
        for name, length in {**wanted, "weight_std": len(self.layers)}.items():
            _check_length(name, getattr(self, name), length)
        if len({*self.hidden, SMALL_HEAD}) <= len(self.units):
            raise UserError(
                f"Expected hidden layers of different units, none of 10, whose names "
                f"they are. Received: {self.units}"
            )
        for name, values, choices in (
            ("kinds", self.kinds, get_args(LayerKind)),
            ("pools", self.pools, (*get_args(PoolKind), None)),
            ("activation", (self.activation,), ("relu", "tanh")),
        ):
            if not {*values} <= {*choices}:
                raise UserError(
                    f"SmallPreset field {name} is of {', '.join(map(str, choices))}. "
                    f"Received: {values}"
                )
        for block, pool in zip(self.blocks, self.pools, strict=True):
            known = {*block} <= {"activation", "lrn", "pool"}
            pooled = ("pool" in block) == (pool is not None)
            if not known or len({*block}) != len(block) or not pooled:
                raise UserError(
                    "SmallPreset field blocks takes each of activation, lrn, pool once "
                    f"at most, and a pool where pools has one. Received: {block}"
                )
        if self.lrn is not None and not any("lrn" in block for block in self.blocks):
            raise UserError(
                f"SmallPreset field lrn needs an 'lrn' step. Received: {self.blocks}"
            )
        check_fields("SmallPreset", self, _RANGES)
        self.check_layers()

    def _normalisation(self, given: Any) -> Any:
        if isinstance(given, Mapping) and "depth_radius" in given:
            return LRN(**given)
        return super()._normalisation(given)


def _check_length(name: str, values: Any, length: int) -> None:
    if len(values) != length:
        raise UserError(
            f"SmallPreset field {name} needs {length} values. Received: {values}"
        )
