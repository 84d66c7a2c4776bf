"""The layers of a `.keras` file as it tells of them: data, of which none is made."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from keras_alexnet.models.layer_table import CHANNELS
from keras_alexnet.presets import LRN, PRESETS, Preset
from keras_alexnet.trained.misfit import NOTHING, Misfit, WeightsMisfit
from keras_alexnet.weights.foreign import SavedLayer
from tfrecords.errors import UserError

if TYPE_CHECKING:
    import keras

# What a network's answers depend on, of all that its layers say of themselves; a
# layer's weights are elsewhere, and the rest is of training.
CONSTANTS = (
    *("batch_shape", "filters", "units", "kernel_size", "strides", "padding"),
    *("dilation_rate", "groups", "use_bias", "data_format", "pool_size"),
    *("depth_radius", "size", "bias", "alpha", "beta", "rate", "activation"),
)
_STEPS = {"norm": "lrn", "in_map": "in_map", "pool": "pool"}
_ACTIVATIONS = ("relu", "tanh")
_DROPOUTS = {"OriginalDropout": "original", "InvertedDropout": "inverted"}


def layers_of(document: Any) -> list[SavedLayer]:
    """Return the layers of a functional model's `config.json`, parsed.

    Raises:
        LookupError, TypeError, AttributeError: It is not that of a functional model.
    """
    found = []
    for layer in document["config"]["layers"]:
        config, nodes = layer["config"], layer["inbound_nodes"]
        constants = {name: config[name] for name in CONSTANTS if name in config}
        before = ""
        if len(nodes) == 1 and len(nodes[0]["args"]) == 1:
            before = nodes[0]["args"][0]["config"]["keras_history"][0]
        name, kind = config["name"], layer["class_name"]
        if not all(type(word) is str for word in (name, kind, before)):
            raise TypeError("a name is none")
        found.append(SavedLayer(kind, name, constants, before))
    if len({layer.name for layer in found}) < len(found):
        raise LookupError("two layers of one name")
    return found


def preset_of(name: str, layers: Sequence[SavedLayer]) -> Preset:
    """Return the preset that a network is of, with its fields as the layers have them.

    What no layer tells is the preset's own. Whether the layers are those of this
    preset and no others is for `check_layers`.

    Args:
        name: Of the model, `alexnet_released` and so on.
        layers: As `layers_of` gives them.

    Raises:
        LookupError, TypeError, ValueError: They are not those of `alexnet()`.
    """
    preset = PRESETS[name.removeprefix("alexnet_")]
    said = {layer.name: layer.constants for layer in layers}
    convs = [said[f"conv{number}"] for number in range(1, 6)]
    fields: dict[str, Any] = {
        "input_size": said["images"]["batch_shape"][1],
        "filters": tuple(conv["filters"] for conv in convs),
        "groups": tuple(conv["groups"] for conv in convs),
        "units": said["fc6"]["units"],
        "activation": said["fc6"]["activation"],
        "conv1_padding": _conv1_padding(preset, said),
    }
    wide = list(said["pool1"]["pool_size"]) == [3, 3]
    fields["pooling"] = "overlapping" if wide else "non_overlapping"
    fields |= _dropout(layers, said)
    if "norm1" in said or "norm2" in said:
        constants = {**said.get("norm1", said.get("norm2", {}))}
        of_towers = constants.pop("groups") > 1
        if max(fields["groups"]) == 1 and preset.lrn is not None:
            of_towers = preset.lrn.per_tower  # of one tower it is the same
        fields["lrn"] = LRN(**constants, per_tower=of_towers)
        fields |= {f"block{n}": _steps(layers, said, n) for n in (1, 2)}
    else:
        fields["lrn"] = None
    preset = preset.replace(**fields)
    channels = (CHANNELS, *preset.filters)
    for groups, *sides in zip(preset.groups, channels, preset.filters, strict=False):
        if any(side % groups for side in sides):
            raise ValueError("groups that are no part of the channels")
    return preset


def check_layers(model: "keras.Model", layers: Sequence[SavedLayer]) -> None:
    """Refuse layers that are not, in kind, order and constants, those of a network.

    Args:
        model: The network that is to have the weights.
        layers: What their file tells of.

    Raises:
        WeightsMisfit: There are others; its rows name all that differ.
    """
    rows, before = [], ""
    found = {layer.name: layer for layer in layers}
    for layer in model.layers:
        config = json.loads(json.dumps(layer.get_config(), default=str))
        config |= {"class": type(layer).__name__, "input": before}
        before, other = layer.name, found.pop(layer.name, None)
        received = {} if other is None else {**other.constants}
        if other is not None:
            received |= {"class": other.kind, "input": other.before}
        rows += [
            Misfit(f"{layer.name}.{name}", _text(config, name), _text(received, name))
            for name in ("class", "input", *CONSTANTS)
            if (name in config) != (name in received)
            or config.get(name) != received.get(name)
        ]
    rows += [Misfit(name, NOTHING, str(other.kind)) for name, other in found.items()]
    if rows:
        raise WeightsMisfit(
            f"Expected the layers of {model.name}, found {len(rows)} differences, "
            f"first {rows[0].tensor}: expected {rows[0].expected}, found "
            f"{rows[0].received}. "
            "Give the file of a network that alexnet() made.",
            rows,
        )


def not_ours(path: object) -> UserError:
    """Return the error for a file of another network than ours."""
    return UserError(
        f"Expected a .keras file of a network that alexnet() made, found other layers "
        f"in {path}. Give a file of one."
    )


def _text(values: Mapping[str, Any], name: str) -> str:
    return str(values[name])[:60] if name in values else NOTHING


def _steps(
    layers: Sequence[SavedLayer], said: Mapping[str, Any], number: int
) -> tuple[str, ...]:
    """Return what follows a convolution, in the order of the layers."""
    fused = said[f"conv{number}"]["activation"] in _ACTIVATIONS
    steps = ["activation"] if fused else []
    for layer in layers:
        stem = layer.name.removesuffix(str(number))
        if stem != layer.name and stem in (*_STEPS, *_ACTIVATIONS):
            steps.append(_STEPS.get(stem, "activation"))
    return tuple(steps)


def _conv1_padding(preset: Preset, said: Mapping[str, Any]) -> Any:
    if "pad1" not in said:
        return "ceil" if preset.conv1_padding == "ceil" else 0
    before, after = said["pad1"]["padding"][0]
    return before if before == after else "ceil"


def _dropout(layers: Sequence[SavedLayer], said: Mapping[str, Any]) -> dict[str, Any]:
    names = [layer.name for layer in layers]
    if "drop6" not in said:
        return {"dropout": None}
    kind = layers[names.index("drop6")].kind
    return {
        "dropout": _DROPOUTS[kind],
        "dropout_rate": said["drop6"]["rate"],
        "dropout_before": names.index("drop6") < names.index("fc6"),
    }
