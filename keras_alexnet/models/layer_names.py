"""What the layers of a preset are called: our names, their towers, other people's."""

import difflib
import re
from dataclasses import dataclass

from keras_alexnet.presets import AnyPreset, LenetPreset
from tfrecords.errors import UserError

PROBABILITIES = "probabilities"
# torchvision's alexnet, whose network `one_weird_trick` is. Its dropouts
# (classifier.0 and .3) are left out: features stand before dropout.
_TORCHVISION = {
    **{"features.0": "conv1_pre", "features.1": "conv1", "features.2": "pool1"},
    **{"features.3": "conv2_pre", "features.4": "conv2", "features.5": "pool2"},
    **{"features.6": "conv3_pre", "features.7": "conv3"},
    **{"features.8": "conv4_pre", "features.9": "conv4"},
    **{"features.10": "conv5_pre", "features.11": "conv5", "features.12": "pool5"},
    **{"classifier.1": "fc6_pre", "classifier.2": "fc6"},
    **{"classifier.4": "fc7_pre", "classifier.5": "fc7", "classifier.6": "fc8"},
}
_OF_TORCHVISION = re.compile(r"(?:features|classifier|avgpool)(?:\.\d+)?")
_OF_LENET = (
    *("c1_pre", "c1", "s2", "c3_pre", "c3", "s4", "c5_pre", "c5", "f6_pre", "f6"),
)
_TOWER = re.compile(r"(.+)_tower(\d+)")


@dataclass(frozen=True)
class LayerChoice:
    """A layer that was asked for.

    Attributes:
        name: Ours, with its tower: `conv5_tower1`.
        layer: Without: `conv5`.
        tower: Which part of the channels, from 0; None: all.
        towers: In how many parts they fall.
    """

    name: str
    layer: str
    tower: int | None
    towers: int


def layer_names(preset: AnyPreset) -> tuple[str, ...]:
    """Return the names of all layers, both towers together, as the network has them.

    `conv1_pre` to `conv5_pre`, `fc6_pre` and `fc7_pre` are before the activation,
    `conv1` to `fc7` right after it. In `released` the network normalises and pools
    `conv1_pre` and rectifies what comes of that, `relu1`; `conv1` is the ReLU of
    `conv1_pre` all the same, as in the other presets. In a LeNet-5 they are `c1_pre`,
    `c1`, `s2` and so on, as in its paper.
    """
    if isinstance(preset, LenetPreset):
        return (*_OF_LENET, preset.head, PROBABILITIES)
    names: list[str] = []
    blocks = zip(preset.convolutions, preset.blocks, strict=True)
    for number, (convolution, (first, *later)) in enumerate(blocks, start=1):
        names += [f"{convolution}_pre", convolution]
        for step in later if first == "activation" else (first, *later):
            if step == "pool":
                names.append(f"pool{number}")
            elif step == "activation":
                names.append(f"{preset.activation}{number}")
            elif preset.lrn is not None:
                names.append(f"{'norm' if step == 'lrn' else step}{number}")
    for name in preset.hidden:
        names += [f"{name}_pre", name] if preset.hidden_activation else [name]
    return (*names, preset.head, PROBABILITIES)


def last_layer(preset: AnyPreset) -> str:
    """Return the name of the layer below the head, whose features most people want."""
    return layer_names(preset)[-3]


def layer_aliases(preset: AnyPreset) -> dict[str, str]:
    """Return other people's names -> ours; none but of `one_weird_trick`."""
    return dict(_TORCHVISION) if preset.name == "one_weird_trick" else {}


def choose_layer(name: str, preset: AnyPreset) -> LayerChoice:
    """Return the layer that a name or an alias means, or raise UserError."""
    ours = layer_aliases(preset).get(name, name)
    tower, towers = None, preset.towers
    layer = ours
    if found := _TOWER.fullmatch(ours):
        layer, number = found[1], int(found[2])
        _check_tower(ours, layer, number, preset)
        tower = number - 1
    if layer not in layer_names(preset):
        raise UserError(_unknown(name, preset))
    return LayerChoice(ours, layer, tower, towers)


def _check_tower(name: str, layer: str, number: int, preset: AnyPreset) -> None:
    towers = preset.towers
    if towers == 1:
        raise UserError(
            f"Expected a layer of {preset.name}, which has one tower, got {name}. "
            f"Take {layer}."
        )
    if layer in (preset.head, PROBABILITIES):
        raise UserError(
            f"Expected a layer that falls into towers, got {name}: {layer} is of both. "
            f"Take {layer}."
        )
    if not 1 <= number <= towers:
        raise UserError(f"Expected tower 1 to {towers} of {layer}, got {name}.")


def _unknown(name: str, preset: AnyPreset) -> str:
    names = layer_names(preset)
    if _OF_TORCHVISION.fullmatch(name) and not layer_aliases(preset):
        return (
            f"{name!r} is torchvision's name for a layer of one_weird_trick; "
            f"{preset.name} is another network. Expected one of: {', '.join(names)}"
        )
    if name in ("classifier.0", "classifier.3"):
        return (
            f"{name!r} is a dropout, and features stand before it. Take pool5 for "
            "classifier.0, fc6 for classifier.3."
        )
    near = difflib.get_close_matches(name, names, 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"Unknown layer {name!r}.{hint} Expected one of: {', '.join(names)}"
