"""How a network is trained: all that its weights depend on beside network and data."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, get_args

from keras_alexnet.presets.schedule import (
    PAPER_EPOCHS,
    SCHEDULES,
    Schedule,
    ScheduleName,
)
from tfrecords.errors import UserError
from tfrecords.ranges import check_count, check_number

# "eigenvalue" is the formula of section 4.1, "released" what was run (its roots).
ColourNoise = Literal["released", "eigenvalue"]
MeanKind = Literal["image", "channel", "none"]
Precision = Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"]
Shuffle = Literal["index"]
ClassWeights = Literal["balanced"]

# Metadata of a field that may differ from the run that is resumed: whoever watches the
# curve may change when the rate drops and when the run ends, as the authors did by hand
# (section 5).
FREE = {"on_resume": "free"}
# What plateaus alone heed; the drops of the other schedules are at fixed epochs.
PLATEAU_ONLY = ("patience", "reductions", "min_delta")

_CHOICES: dict[str, tuple[Any, ...]] = {
    "colour_noise": (*get_args(ColourNoise), None),
    "mean": get_args(MeanKind),
    "shuffle": (*get_args(Shuffle), None),
    "class_weights": (*get_args(ClassWeights), None),
    "precision": get_args(Precision),
}
# What of the augmentation has to be off where each picture is seen once.
_UNCHANGED = {
    "random_crop": False,
    "flip": False,
    "colour_noise": None,
    "crop_chunk": 1,
}


@dataclass(frozen=True)
class Recipe:
    """The training that goes with a network; the text under a field is an option's."""

    batch_size: int = 128  # section 5
    """Images in a step, of all replicas; 128 in the paper."""
    learning_rate: float = 0.01  # section 5
    """Initial rate; 0.01 in the paper."""
    momentum: float = 0.9  # section 5
    """Part of the last step that goes on in the next; 0.9 in the paper."""
    decay: float = 0.0005  # section 5
    """Part of the weights that is taken off, times the rate; 0.0005 in the paper."""
    decays: tuple[str, ...] = ()
    """LAYER=DECAY, such as fc8=0.001: the decay of a layer that has its own."""
    bias_rate: float = 1.0  # section 5
    """Rate of biases over the rate of weights; 1 in the paper, 2 as it was run."""
    schedule: ScheduleName = "plateau"
    """plateau; steps, at --drops; or as run: drops after epochs 25, 51, 79 of 91
    (released-2012) or 23, 51, 78 of 93 (released-2010), conv1 slowed and frozen, colour
    noise off near the end. Fewer --epochs leave the rest out; with more, the last rates
    go on."""
    drops: tuple[int, ...] = dataclasses.field(default=(), metadata=FREE)
    """Epochs after which schedule steps divides all rates by 10."""
    epochs: int | None = dataclasses.field(default=None, metadata=FREE)
    """Passes over the training split, at most; None: 90, or the schedule's own."""
    patience: int = dataclasses.field(default=5, metadata=FREE)
    """Epochs without a better validation error before the rate drops."""
    reductions: int = dataclasses.field(default=3, metadata=FREE)  # section 5
    """Number of drops by 10."""
    min_delta: float = dataclasses.field(default=1.0, metadata=FREE)
    """Standard errors of the validation error by which an epoch has to be better than
    the best to count as better; 0 takes any."""
    random_crop: bool = True  # section 4.1
    """Cut training crops at random places; otherwise all at the centre."""
    flip: bool = True  # section 4.1
    """Mirror half of the training pictures; wrong for writing."""
    colour_noise: ColourNoise | None = "eigenvalue"  # section 4.1
    """Form of the PCA colour noise."""
    crop_chunk: int = 1
    """Neighbours that share one crop and flip; 32 as it was run in 2012."""
    mean: MeanKind = "image"  # section 2
    """Subtract the mean image, the mean colour, or nothing."""
    # None: of a run of earlier releases, whose order is gone.
    shuffle: Shuffle | None = dataclasses.field(default="index", metadata=FREE)
    """How the order of an epoch is drawn. index: a permutation of all records."""
    read_run: int | None = None  # auto
    """Neighbours in the shards that are read together, and mixed with those of 15 other
    places or more; 1: all orders are equally likely. None: 1, or 32 on disks that
    rotate and over a network, where the training pictures do not fit in memory."""
    class_weights: ClassWeights | None = None
    """For classes of unequal size. balanced: the loss of each training picture is
    multiplied by pictures / (classes * pictures of its class), of the training split,
    so that rare classes have the same part in it; the mean of these weights is 1.
    Errors and the validation loss are of the pictures as they are."""
    # From Python the default is the same arithmetic everywhere.
    precision: Precision = "float32"
    """Arithmetic; weights are always float32. auto: mixed_bfloat16 on GPUs of compute
    capability 8.0 and up and on CPUs with AVX512-BF16 or AMX-BF16, else float32; what
    comes of it is said and kept by the run."""
    xla: bool | None = None  # auto
    """Compile the step with XLA; not with towers. auto: on GPUs, where it is more than
    twice as fast, and not on CPUs, where it is slower. Last bits differ."""
    deterministic: bool = False
    """Take no kernels that may give other bits each time, as some of GPUs do; slower
    there. CPUs repeat their bits without; theirs are others with it."""
    seed: int = 0
    """Initial weights, order, crops, colours, dropout."""
    init: str | None = None
    """Network or run folder whose weights to begin with, and whose mean to subtract.
    Its last layer stays out where the classes are others."""
    keep_rows: bool = False
    """Keep the last layer's weights of classes that both networks have, by name."""
    freeze_through: str | None = None
    """Last layer, such as conv5, that stays as it is with all before it."""
    rates: tuple[str, ...] = ()
    """LAYER=FACTOR, such as fc8=10: what the layer's learning rate is multiplied by."""
    cache_features: bool = False
    """Compute once, of the centre of each picture, what the frozen layers make of it,
    and train the others on that: without random crops, flips and colour noise."""

    def __post_init__(self) -> None:
        for name in ("batch_size", "epochs", "patience", "crop_chunk", "read_run"):
            check_count(name, getattr(self, name))
        check_count("reductions", self.reductions, 0)
        check_number("learning_rate", self.learning_rate, least=1e-38, most=1e38)
        check_number("momentum", self.momentum, least=0, below=1)
        check_number("decay", self.decay, least=0)
        check_number("bias_rate", self.bias_rate, least=0, most=1e38)
        check_number("min_delta", self.min_delta, least=0)
        if type(self.seed) is not int or not 0 <= self.seed < 2**31:
            raise UserError(f"Expected a seed in [0, 2^31), got {self.seed}.")
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise UserError(
                    f"Recipe field {name} is one of {choices}. "
                    f"Received: {getattr(self, name)!r}"
                )
        self._check_schedule()
        self._check_layers()

    @property
    def last_epoch(self) -> int:
        """Number of epochs after which a run ends at the latest."""
        if self.epochs is not None:
            return self.epochs
        schedule = self.fixed_schedule
        return PAPER_EPOCHS if schedule is None else schedule.stop

    @property
    def fixed_schedule(self) -> Schedule | None:
        """Epochs at which rates change; None: at plateaus of the validation error."""
        if self.schedule == "steps":
            return Schedule(self.drops, self.epochs or PAPER_EPOCHS)
        return SCHEDULES.get(self.schedule)

    @property
    def layer_rates(self) -> dict[str, float]:
        """What the rates of layers are multiplied by, of those that have their own."""
        return layer_numbers(self.rates, "rates")

    @property
    def layer_decays(self) -> dict[str, float]:
        """The decays of layers that have their own."""
        return layer_numbers(self.decays, "decays")

    def _check_layers(self) -> None:
        for name in ("rates", "decays"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
            layer_numbers(getattr(self, name), name)
        last = self.freeze_through
        if self.init is None and (self.keep_rows or last is not None):
            raise UserError(
                "Expected --init with keep_rows and freeze_through, got none: there "
                "are no weights to keep."
            )
        if self.cache_features:
            if last is None:
                raise UserError(
                    "Expected --freeze-through with cache_features, got none: a layer "
                    "that learns sees each picture anew."
                )
            # Nothing random can come before what is computed once.
            for name, value in _UNCHANGED.items():
                object.__setattr__(self, name, value)

    def _check_drops(self) -> None:
        object.__setattr__(self, "drops", tuple(self.drops))
        for drop in self.drops:
            check_count("drops", drop)
        if list(self.drops) != sorted({*self.drops}):
            raise UserError(f"Expected drops in order, each once, got {self.drops}.")
        if self.drops and self.schedule != "steps":
            raise UserError(
                f"Expected no drops with schedule {self.schedule}, got {self.drops}. "
                "Add --schedule steps."
            )

    def _check_schedule(self) -> None:
        if self.schedule not in get_args(ScheduleName):
            known = ", ".join(get_args(ScheduleName))
            raise UserError(f"Expected a schedule of {known}, got {self.schedule!r}.")
        self._check_drops()
        for field in dataclasses.fields(self):
            changed = getattr(self, field.name) != field.default
            if field.name in PLATEAU_ONLY and changed and self.schedule != "plateau":
                raise UserError(
                    f"Expected no {field.name} with schedule {self.schedule}, got "
                    f"{getattr(self, field.name)}: its drops are at fixed epochs."
                )


def layer_numbers(texts: tuple[str, ...], field: str) -> dict[str, float]:
    """Parse `LAYER=NUMBER` of each layer.

    Raises:
        UserError: Another form, a number out of [0, 1e6], or a layer twice.
    """
    numbers: dict[str, float] = {}
    for text in texts:
        layer, _, factor = text.partition("=")
        try:
            value = float(factor)
        except ValueError:
            value = -1.0
        if not layer or not 0 <= value <= 1e6:
            raise UserError(
                f"Expected {field} such as fc8=10, a layer and 0 to 1e6, got {text!r}."
            )
        if layer in numbers:
            raise UserError(f"Expected each layer once in {field}, got {texts}.")
        numbers[layer] = value
    return numbers
