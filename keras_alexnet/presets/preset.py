"""The six AlexNets that people mean, to the last constant.

Sources: the paper (Krizhevsky, Sutskever, Hinton 2012); layers-145.cfg and its
parameter files in the 2012 source released by the Computer History Museum; Caffe's
bvlc_alexnet and bvlc_reference_caffenet; torchvision's alexnet.

`one_weird_trick` has the shape of torchvision's network and the initial values of
bvlc_alexnet, because those of its own sources do not train here. torchvision's (the
default of PyTorch, uniform of standard deviation sqrt(1 / (3 fan_in))) are for pixels
divided by 58: with that folded into conv1 the loss is 1e13 after some 220 steps of 32
Imagenette photos at rate 0.01, as conv1 still moves as pixels of 0-255 make it. Those
of cuda-convnet2 (layers-imagenet-1gpu.cfg: 0.03 in conv3 to conv5, biases of 1) are for
a network with normalisation: NaN after five steps, as with He's. Caffe's are for pixels
of this scale and for inverted dropout, and the loss falls from the beginning.
"""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Literal, get_args

Step = Literal["activation", "lrn", "in_map", "pool"]


# Field: what kind of number, and the interval that it, or each of them, is in. The
# largest are float32's and what is counted in 32 bits.
_COUNT = (Integral, 1, 2**31 - 1)
_LRN_RANGES: dict[str, tuple[type, float, float]] = {
    "depth_radius": (Integral, 0, 2**31 - 1),
    "bias": (Real, 1e-38, 1e38),
    "alpha": (Real, 0, 1e38),
    "beta": (Real, 1e-38, 1e38),
}
_RANGES: dict[str, tuple[type, float, float]] = {
    **dict.fromkeys(("input_size", "filters", "groups", "units", "batch_size"), _COUNT),
    "conv1_padding": (Integral, 0, 2**31 - 1),
    "dropout_rate": (Real, 0, math.nextafter(1, 0)),
    "weight_std": (Real, 0, 1e38),
    "biases": (Real, -1e38, 1e38),
    "learning_rate": (Real, 1e-38, 1e38),
    "bias_rate": (Real, 0, 1e38),
}


_WORDS = (("weight_std", None), ("conv1_padding", "ceil"))  # in place of numbers


def _check_numbers(
    kind: str, fields: Any, ranges: Mapping[str, tuple[type, float, float]]
) -> None:
    for name, (number, least, most) in ranges.items():
        value = getattr(fields, name)
        for each in value if isinstance(value, tuple) else (value,):
            if (name, each) in _WORDS:
                continue
            # Comparisons with NaN are false.
            known = isinstance(each, number) and not isinstance(each, bool)
            if not known or not least <= each <= most:
                whole = ", a whole number" if number is Integral else ""
                raise ValueError(
                    f"Expected {kind} field {name} from {least} to {most}{whole}. "
                    f"Received: {value}"
                )


@dataclass(frozen=True)
class LRN:
    """Constants of the local response normalisation."""

    depth_radius: int = 2  # n = 5 adjacent maps; section 3.3
    bias: float = 2.0  # k; section 3.3
    alpha: float = 1e-4  # per squared term; section 3.3
    beta: float = 0.75  # section 3.3
    per_tower: bool = True  # the release norms each tower's 48 or 128 maps alone

    def __post_init__(self) -> None:
        _check_numbers("LRN", self, _LRN_RANGES)


@dataclass(frozen=True)
class Preset:
    """One AlexNet: its shape, its initial values, and the training that goes with it.

    Eight-tuples run over conv1, conv2, conv3, conv4, conv5, fc6, fc7, fc8. Every field
    can be overridden by name in `keras_alexnet.alexnet`.
    """

    description: str
    input_size: int = 224  # pixels; section 3.5, footnote 4
    # "ceil" adds zeros at the bottom and right until the last window fits, which is
    # what cuda-convnet's rounding does: 3 of them for 224, none for 227. An integer
    # pads all four sides.
    conv1_padding: Literal["ceil"] | int = "ceil"
    filters: tuple[int, ...] = (96, 256, 384, 384, 256)  # both towers; section 3.5
    groups: tuple[int, ...] = (1, 2, 1, 2, 2)  # 2: no cross-talk; section 3.5
    units: int = 4096  # of fc6 and fc7; section 3.5
    activation: Literal["relu", "tanh"] = "relu"  # section 3.1
    block1: tuple[Step, ...] = ("activation", "lrn", "pool")  # after conv1; section 3.5
    block2: tuple[Step, ...] = ("activation", "lrn", "pool")  # after conv2
    # "overlapping" is 3 x 3 windows with stride 2 (section 3.4). "non_overlapping" is
    # 2 x 2 with stride 2 and the paddings of layers-147.cfg, which keep 6 x 6 maps.
    pooling: Literal["overlapping", "non_overlapping"] = "overlapping"
    lrn: LRN | None = LRN()  # None (or False) leaves out every normalisation
    dropout: Literal["original", "inverted"] | None = "original"  # section 4.2
    dropout_rate: float = 0.5  # section 4.2
    dropout_before: bool = False  # True: on the inputs of fc6 and fc7 (torchvision)
    # Standard deviations of the untruncated Gaussians; None is Keras' HeNormal, which
    # is truncated, of sqrt(2 / fan_in).
    weight_std: tuple[float | None, ...] = (0.01,) * 8  # section 5
    biases: tuple[float, ...] = (0, 1, 0, 1, 1, 1, 1, 0)  # section 5

    batch_size: int = 128  # section 5
    learning_rate: float = 0.01  # section 5
    bias_rate: float = 1.0  # bias learning rate over weight learning rate; section 5
    # "eigenvalue": the formula of section 4.1; "released": what was run (its roots).
    colour_noise: Literal["released", "eigenvalue"] | None = "eigenvalue"

    def replace(self, **overrides: Any) -> "Preset":
        """Return a copy with fields changed; unknown names and bad values raise."""
        known = [field.name for field in dataclasses.fields(self)]
        unknown = sorted(set(overrides) - set(known))
        if unknown:
            raise ValueError(
                f"Unknown preset field {', '.join(unknown)}. "
                f"Expected one of: {', '.join(known)}"
            )
        if isinstance(overrides.get("lrn"), Mapping):
            overrides["lrn"] = LRN(**overrides["lrn"])
        if overrides.get("lrn", None) is False:
            overrides["lrn"] = None
        if overrides.get("lrn", None) is True:
            overrides["lrn"] = self.lrn or LRN()
        for name, value in overrides.items():
            if isinstance(value, list):
                overrides[name] = tuple(value)
        return dataclasses.replace(self, **overrides)

    def __post_init__(self) -> None:
        for name, length in _LENGTHS.items():
            if len(getattr(self, name)) != length:
                raise ValueError(
                    f"Preset field {name} needs {length} values. "
                    f"Received: {getattr(self, name)}"
                )
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"Preset field {name} is one of {choices}. "
                    f"Received: {getattr(self, name)!r}"
                )
        for name in ("block1", "block2"):
            steps = getattr(self, name)
            known = set(steps) <= {*get_args(Step)} and len({*steps}) == len(steps)
            if not known or "pool" not in steps:
                raise ValueError(
                    f"Preset field {name} takes each of {get_args(Step)} once at most, "
                    f"and the pool. Received: {steps}"
                )
        _check_numbers("Preset", self, _RANGES)
        if self.lrn is not None and "lrn" not in self.block1 + self.block2:
            raise ValueError(
                "Preset field lrn needs an 'lrn' step in block1 or block2. "
                f"Received: {self.block1} and {self.block2}"
            )
        if self.lrn is not None and not isinstance(self.lrn, LRN):
            raise ValueError(
                f"Preset field lrn is an LRN, None or False. Received: {self.lrn!r}"
            )


_LENGTHS = {"filters": 5, "groups": 5, "weight_std": 8, "biases": 8}
_CHOICES: dict[str, tuple[Any, ...]] = {
    "activation": ("relu", "tanh"),
    "pooling": ("overlapping", "non_overlapping"),
    "dropout": ("original", "inverted", None),
    "colour_noise": ("released", "eigenvalue", None),
}

_PAPER = Preset("AlexNet as the paper prints it.")

_RELEASED = _PAPER.replace(
    description="AlexNet as it was run: the network behind the published numbers.",
    block1=("lrn", "pool", "activation"),  # layers-145.cfg: ReLU after pool1
    block2=("activation", "lrn", "in_map", "pool"),  # cnorm2 is not in the paper
    lrn=LRN(alpha=2e-5),  # scale 1e-4 divided by size 5, as layer.py does
    weight_std=(0.01, 0.01, 0.03, 0.03, 0.03, 0.01, 0.01, 0.01),  # initW
    bias_rate=2.0,  # epsB 0.02 beside epsW 0.01
    colour_noise="released",
)

_CAFFE = _PAPER.replace(
    description="Caffe's bvlc_alexnet.",
    input_size=227,  # crop_size
    lrn=LRN(bias=1.0, alpha=2e-5, per_tower=False),  # alpha 1e-4 over local_size 5
    dropout="inverted",
    weight_std=(0.01, 0.01, 0.01, 0.01, 0.01, 0.005, 0.005, 0.01),
    biases=(0, 0.1, 0, 0.1, 0.1, 0.1, 0.1, 0),
    batch_size=256,
    bias_rate=2.0,  # lr_mult
    colour_noise=None,
)

PRESETS: dict[str, Preset] = {
    "paper": _PAPER,
    "released": _RELEASED,
    "caffe_alexnet": _CAFFE,
    "caffenet": _CAFFE.replace(
        description="Caffe's reference CaffeNet: pooling before normalisation.",
        block1=("activation", "pool", "lrn"),
        block2=("activation", "pool", "lrn"),
        biases=(0, 1, 0, 1, 1, 1, 1, 0),
    ),
    "one_weird_trick": Preset(
        "The one-tower net of 2014 without normalisation, as in torchvision.",
        conv1_padding=2,
        filters=(64, 192, 384, 256, 256),
        groups=(1, 1, 1, 1, 1),
        block1=("activation", "pool"),
        block2=("activation", "pool"),
        lrn=None,
        dropout="inverted",
        dropout_before=True,
        # Caffe's, see above.
        weight_std=_CAFFE.weight_std,
        biases=_CAFFE.biases,
        colour_noise=None,
    ),
    "one_gpu": _RELEASED.replace(
        description="The paper's one-GPU net: half the kernels in conv1 to conv4.",
        filters=(48, 128, 192, 192, 256),  # footnote 2: conv5 and fc are not halved
        groups=(1, 1, 1, 1, 1),
    ),
}


def find_preset(name: str) -> Preset:
    """Return the preset called `name`, or raise ValueError with the names there are."""
    if name not in PRESETS:
        raise ValueError(
            f"Unknown preset {name!r}. Expected one of: {', '.join(PRESETS)}"
        )
    return PRESETS[name]
