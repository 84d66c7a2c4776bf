"""The AlexNets that people mean, and small nets, as pure data: no Keras."""

from keras_alexnet.presets.lenet_preset import LenetPreset
from keras_alexnet.presets.preset import LRN, Preset
from keras_alexnet.presets.recipe import Recipe
from keras_alexnet.presets.small_preset import SmallPreset
from keras_alexnet.registry import Registry
from tfrecords.errors import UserError

__all__ = [
    "LRN",
    "PRESETS",
    "SMALL_PRESETS",
    "AnyPreset",
    "LenetPreset",
    "Preset",
    "Recipe",
    "SmallPreset",
    "find_preset",
    "find_small_preset",
    "named_preset",
]

AnyPreset = Preset | SmallPreset | LenetPreset

PRESETS: Registry[Preset] = Registry(
    "preset",
    {
        "paper": "keras_alexnet.presets.paper:PAPER",
        "released": "keras_alexnet.presets.released:RELEASED",
        "caffe_alexnet": "keras_alexnet.presets.caffe:CAFFE_ALEXNET",
        "caffenet": "keras_alexnet.presets.caffe:CAFFENET",
        "one_weird_trick": "keras_alexnet.presets.one_weird_trick:ONE_WEIRD_TRICK",
        "one_gpu": "keras_alexnet.presets.one_gpu:ONE_GPU",
    },
)
# Apart, because `alexnet(name)` holds for all of the others.
SMALL_PRESETS: Registry[SmallPreset | LenetPreset] = Registry(
    "small preset",
    {
        "cifar-80sec": "keras_alexnet.presets.cifar:CIFAR_80SEC",
        "cifar-19pct": "keras_alexnet.presets.cifar:CIFAR_19PCT",
        "cifar-18pct": "keras_alexnet.presets.cifar:CIFAR_18PCT",
        "cifar-13pct": "keras_alexnet.presets.cifar:CIFAR_13PCT",
        "cifar-11pct": "keras_alexnet.presets.cifar:CIFAR_11PCT",
        "cifar-quick": "keras_alexnet.presets.cifar:CIFAR_QUICK",
        "lenet5": "keras_alexnet.presets.lenet:LENET5",
        "lenet5-1998": "keras_alexnet.presets.lenet:LENET5_1998",
    },
)


def find_preset(preset: str | AnyPreset) -> Preset:
    """Return the AlexNet of a name, or the one that is given.

    Raises:
        UserError: There is none of that name, or it is a small net.
    """
    if isinstance(preset, Preset):
        return preset
    if not isinstance(preset, str) or preset in SMALL_PRESETS:
        name = preset if isinstance(preset, str) else preset.name
        raise UserError(
            f"Expected an AlexNet, of {', '.join(PRESETS)}, got {name}, a small net."
        )
    return PRESETS[preset]


def named_preset(name: str | AnyPreset) -> AnyPreset:
    """Return the AlexNet or the small net of a name, or the one that is given.

    Raises:
        UserError: There is none; the error says which there are.
    """
    if not isinstance(name, str):
        return name
    if name in SMALL_PRESETS:
        return SMALL_PRESETS[name]
    if name not in PRESETS:
        known = ", ".join([*PRESETS, *SMALL_PRESETS])
        raise UserError(f"Unknown preset {name!r}. Expected one of: {known}")
    return PRESETS[name]


def find_small_preset(preset: str | AnyPreset) -> SmallPreset:
    """Return the net for CIFAR-10 of a name such as 18pct, or the one that is given.

    Raises:
        UserError: There is none of that name, or it is another kind of network.
    """
    if isinstance(preset, str):
        name = f"cifar-{preset}"
        preset = SMALL_PRESETS[name if name in SMALL_PRESETS else preset]
    if not isinstance(preset, SmallPreset):
        raise UserError(
            f"Expected a net for CIFAR-10, got {preset.name}. Take lenet5() for a "
            "LeNet-5, alexnet() for an AlexNet."
        )
    return preset
