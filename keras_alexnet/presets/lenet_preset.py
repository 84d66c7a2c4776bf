"""What a LeNet-5 is: one of its two forms, and the training that goes with it."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

from keras_alexnet.presets.fields import PresetFields
from keras_alexnet.presets.recipe import Recipe
from tfrecords.errors import UserError

LenetForm = Literal["1998", "modern"]
LenetPooling = Literal["average", "max"]
LENET_SIDE = 32  # pixels; C5 has one place then
LENET_CLASSES = 10  # of the targets of 1998
LENET_HEAD = "output"
_CHOICES: dict[str, tuple[Any, ...]] = {
    "form": get_args(LenetForm),
    "pooling": get_args(LenetPooling),
    "input_size": (LENET_SIDE,),
}


@dataclass(frozen=True)
class LenetPreset(PresetFields):
    """A LeNet-5 and its recipe; its layers are those of `keras_alexnet.lenet5`.

    The form says all of the shape: maps, units, connections and initial values are
    those of the paper. It takes pictures of white on black, whose colours it makes grey
    levels of. The text under a field is that of its option.
    """

    name: str
    description: str
    recipe: Recipe
    form: LenetForm = "modern"
    pooling: LenetPooling = "average"
    """Kind of pooling in the modern form, 2 x 2 with stride 2."""
    input_size: int = LENET_SIDE  # pixels
    stored_size: int = LENET_SIDE  # pixels, of the pictures that they are cut from

    @property
    def convolutions(self) -> tuple[str, ...]:
        """c1, c3 and c5, and in the form of 1998 the subsamplings, which learn too."""
        if self.form == "1998":
            return ("c1", "s2", "c3", "s4", "c5")
        return ("c1", "c3", "c5")

    @property
    def hidden(self) -> tuple[str, ...]:
        """f6."""
        return ("f6",)

    @property
    def head(self) -> str:
        """output."""
        return LENET_HEAD

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers that learn; the codes of 1998's output are fixed."""
        layers = super().layers
        return layers[:-1] if self.form == "1998" else layers

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise UserError(
                    f"LenetPreset field {name} is one of {choices}. "
                    f"Received: {getattr(self, name)!r}"
                )
        if self.form == "1998" and self.pooling != "average":
            raise UserError(
                "LenetPreset field pooling is of the modern form; that of 1998 has "
                f"subsampling that learns. Received: {self.pooling!r}. Leave it out."
            )
        self.check_layers()
