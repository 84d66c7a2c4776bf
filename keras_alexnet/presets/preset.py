"""What an AlexNet is, to the last constant: its shape and the recipe with it."""

import dataclasses
import math
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, get_args

from keras_alexnet.presets.fields import PresetFields, check_fields
from keras_alexnet.presets.recipe import Recipe
from tfrecords.errors import UserError

Step = Literal["activation", "lrn", "in_map", "pool"]


# Field: what kind of number, and the interval that it, or each of them, is in. The
# largest are float32's and what is counted in 32 bits.
_COUNT = (Integral, 1, 2**31 - 1)
LRN_RANGES: dict[str, tuple[type, float, float]] = {
    "depth_radius": (Integral, 0, 2**31 - 1),
    "bias": (Real, 1e-38, 1e38),
    "alpha": (Real, 0, 1e38),
    "beta": (Real, 1e-38, 1e38),
}
_RANGES: dict[str, tuple[type, float, float]] = {
    **dict.fromkeys(("input_size", "filters", "groups", "units"), _COUNT),
    "conv1_padding": (Integral, 0, 2**31 - 1),
    "dropout_rate": (Real, 0, math.nextafter(1, 0)),
    "weight_std": (Real, 0, 1e38),
    "biases": (Real, -1e38, 1e38),
}


_WORDS = (("weight_std", None), ("conv1_padding", "ceil"))  # in place of numbers


@dataclass(frozen=True)
class LRN:
    """Constants of the local response normalisation."""

    depth_radius: int = 2  # n = 5 adjacent maps; section 3.3
    bias: float = 2.0  # k; section 3.3
    alpha: float = 1e-4  # per squared term; section 3.3
    beta: float = 0.75  # section 3.3
    per_tower: bool = True  # the release norms each tower's 48 or 128 maps alone

    def __post_init__(self) -> None:
        check_fields("LRN", self, LRN_RANGES)


@dataclass(frozen=True)
class Preset(PresetFields):
    """One AlexNet: its shape, its initial values, and the training that goes with it.

    Eight-tuples run over conv1, conv2, conv3, conv4, conv5, fc6, fc7, fc8. Every field
    can be overridden by name in `keras_alexnet.alexnet`. The text under a field is that
    of its option.
    """

    NORM: ClassVar = LRN

    name: str
    description: str
    input_size: int = 224  # section 3.5, footnote 4
    """Side of the crops in pixels; 224, or 227 in Caffe's."""
    # "ceil" adds zeros at the bottom and right until the last window fits, which is
    # what cuda-convnet's rounding does: 3 of them for 224, none for 227. An integer
    # pads all four sides.
    conv1_padding: Literal["ceil"] | int = "ceil"
    filters: tuple[int, ...] = (96, 256, 384, 384, 256)  # both towers; section 3.5
    groups: tuple[int, ...] = (1, 2, 1, 2, 2)  # 2: no cross-talk; section 3.5
    units: int = 4096  # of fc6 and fc7; section 3.5
    activation: Literal["relu", "tanh"] = "relu"  # section 3.1
    """Non-linearity."""
    block1: tuple[Step, ...] = ("activation", "lrn", "pool")  # after conv1; section 3.5
    block2: tuple[Step, ...] = ("activation", "lrn", "pool")  # after conv2
    # "overlapping" is 3 x 3 windows with stride 2 (section 3.4). "non_overlapping" is
    # 2 x 2 with stride 2 and the paddings of layers-147.cfg, which keep 6 x 6 maps.
    pooling: Literal["overlapping", "non_overlapping"] = "overlapping"
    """3 x 3 windows or 2 x 2, both with stride 2."""
    lrn: LRN | None = LRN()  # None (or False) leaves out every normalisation
    """Keep the preset's normalisations; --no-lrn leaves all out."""
    dropout: Literal["original", "inverted"] | None = "original"  # section 4.2
    """Form of the dropout."""
    dropout_rate: float = 0.5  # section 4.2
    dropout_before: bool = False  # True: on the inputs of fc6 and fc7 (torchvision)
    # Standard deviations of the untruncated Gaussians; None is Keras' HeNormal, which
    # is truncated, of sqrt(2 / fan_in).
    weight_std: tuple[float | None, ...] = (0.01,) * 8  # section 5
    biases: tuple[float, ...] = (0, 1, 0, 1, 1, 1, 1, 0)  # section 5
    recipe: Recipe = Recipe()

    @property
    def blocks(self) -> tuple[tuple[Step, ...], ...]:
        """What follows each convolution, in order."""
        plain: tuple[Step, ...] = ("activation",)
        return (self.block1, self.block2, plain, plain, ("activation", "pool"))

    @property
    def convolutions(self) -> tuple[str, ...]:
        """conv1 to conv5."""
        return tuple(f"conv{number}" for number in range(1, 6))

    @property
    def hidden(self) -> tuple[str, ...]:
        """fc6 and fc7."""
        return ("fc6", "fc7")

    @property
    def head(self) -> str:
        """fc8."""
        return "fc8"

    @property
    def hidden_activation(self) -> bool:
        """Whether these have the activation."""
        return True

    @property
    def towers(self) -> int:
        """In how many parts the channels fall."""
        return max(self.groups)

    def __post_init__(self) -> None:
        for name, length in _LENGTHS.items():
            if len(getattr(self, name)) != length:
                raise UserError(
                    f"Preset field {name} needs {length} values. "
                    f"Received: {getattr(self, name)}"
                )
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise UserError(
                    f"Preset field {name} is one of {choices}. "
                    f"Received: {getattr(self, name)!r}"
                )
        for name in ("block1", "block2"):
            steps = getattr(self, name)
            known = set(steps) <= {*get_args(Step)} and len({*steps}) == len(steps)
            if not known or "pool" not in steps:
                raise UserError(
                    f"Preset field {name} takes each of {get_args(Step)} once at most, "
                    f"and the pool. Received: {steps}"
                )
        check_fields("Preset", self, _RANGES, _WORDS)
        if self.lrn is not None and "lrn" not in self.block1 + self.block2:
            raise UserError(
                "Preset field lrn needs an 'lrn' step in block1 or block2. "
                f"Received: {self.block1} and {self.block2}"
            )
        if self.lrn is not None and not isinstance(self.lrn, LRN):
            raise UserError(
                f"Preset field lrn is an LRN, None or False. Received: {self.lrn!r}"
            )
        self.check_layers()


_LENGTHS = {"filters": 5, "groups": 5, "weight_std": 8, "biases": 8}
_CHOICES: dict[str, tuple[Any, ...]] = {
    "activation": ("relu", "tanh"),
    "pooling": ("overlapping", "non_overlapping"),
    "dropout": ("original", "inverted", None),
}
_FIELDS = tuple(field.name for field in dataclasses.fields(Preset))
RECIPE_FIELDS = tuple(field.name for field in dataclasses.fields(Recipe))
NETWORK_FIELDS = tuple(
    name for name in _FIELDS if name not in ("name", "description", "recipe")
)
