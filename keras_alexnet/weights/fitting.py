"""Whether weights of others fit a preset of ours, and which."""

import numpy as np

from keras_alexnet.models.geometry import KERNELS
from keras_alexnet.models.layer_table import layer_table
from keras_alexnet.models.of_preset import network_of
from keras_alexnet.presets import AnyPreset, Preset, named_preset
from keras_alexnet.presets.lenet_preset import LENET_HEAD
from keras_alexnet.presets.small_preset import SMALL_HEAD
from keras_alexnet.trained.misfit import (
    NOTHING,
    Misfit,
    Shape,
    WeightsMisfit,
    shape_misfits,
)
from keras_alexnet.trained.tensors import model_tensors
from keras_alexnet.weights.foreign import ForeignWeights
from tfrecords.errors import UserError

_HEADS = ("fc8", SMALL_HEAD, LENET_HEAD)


def weight_shapes(preset: AnyPreset, num_classes: int) -> dict[str, Shape]:
    """Return the shape of every weight of a network, by name, in order of its layers.

    Kernels of convolutions are `(height, width, inputs of a group, filters)`, those of
    fully connected layers `(inputs, units)`.
    """
    if not isinstance(preset, Preset):
        tensors = model_tensors(network_of(preset, num_classes))
        return {name: tensor.shape for name, tensor in tensors.items()}
    shapes: dict[str, Shape] = {}
    sides = dict(zip(preset.convolutions, KERNELS, strict=True))
    for name, size in layer_table(preset, num_classes).items():
        kernel: Shape = (size.inputs, size.biases)
        if side := sides.get(name):
            inputs = size.weights // side**2 // size.biases
            kernel = (side, side, inputs, size.biases)
        shapes |= {f"{name}.kernel": kernel, f"{name}.bias": (size.biases,)}
    return shapes


def find_misfits(weights: ForeignWeights, preset: AnyPreset) -> list[Misfit]:
    """List every tensor that is missing, left over, of another shape or not finite.

    The number of classes is that of the file.
    """
    arrays = weights.arrays
    wanted = weight_shapes(preset, class_count(weights))
    rows = shape_misfits(wanted, {name: x.shape for name, x in arrays.items()})
    for name in wanted:
        found = arrays.get(name)
        if found is None or found.shape != wanted[name]:
            continue
        if found.dtype.kind != "f":
            rows.append(Misfit(name, "floating point", str(found.dtype)))
        elif not np.isfinite(found).all():
            count = int((~np.isfinite(found)).sum())
            rows.append(Misfit(name, "finite", f"{count:,} that are not"))
    return rows


def class_count(weights: ForeignWeights) -> int:
    """Return the classes that weights tell apart.

    Where there is no head, as in LeNet-5 of 1998, they are those that the file names;
    1,000 where it does not say.
    """
    arrays = weights.arrays
    for name in (f"{head}.{part}" for head in _HEADS for part in ("bias", "kernel")):
        if name in arrays and arrays[name].ndim and arrays[name].shape[-1]:
            return int(arrays[name].shape[-1])
    return len(weights.labels) or 1000


def tell_preset(weights: ForeignWeights, asked: str | None = None) -> AnyPreset:
    """Return the preset that weights fit in every tensor.

    Args:
        weights: From a reader.
        asked: Name of the one that a user means; None leaves it to shapes and names.

    Raises:
        UserError: The name is none, or not what the file says that it is; several
            fit and the file does not say which.
        WeightsMisfit: None fits; its rows compare with the nearest, or with `asked`.
    """
    told = _candidates(weights, asked)
    rows = {name: find_misfits(weights, told[name]) for name in told}
    fitting = [name for name in told if not rows[name]]
    if len(fitting) > 1:
        raise UserError(
            f"Expected weights that fit one preset, found that {', '.join(fitting)} "
            f"have the same shapes. Say which they were trained with: --preset "
            f"{fitting[0]}."
        )
    if fitting:
        return told[fitting[0]]
    nearest = min(told, key=lambda name: len(rows[name]))
    raise _misfit(weights, told[nearest], rows[nearest])


def _candidates(weights: ForeignWeights, asked: str | None) -> dict[str, AnyPreset]:
    """Return what the weights may be of, by name."""
    told = {name: named_preset(name) for name in weights.presets}
    if weights.preset is not None:
        told = {weights.preset.name: weights.preset}
    if asked is None:
        return told
    if not weights.certain and weights.preset is None:
        return {asked: named_preset(asked)}
    if asked not in told:
        raise UserError(
            f"Expected preset {' or '.join(told)}, as the file itself says, got "
            f"--preset {asked}. Leave it out."
        )
    return {asked: told[asked]}


def _misfit(
    weights: ForeignWeights, preset: AnyPreset, rows: list[Misfit]
) -> UserError:
    wanted = weight_shapes(preset, class_count(weights))
    ours = [name for name in weights.arrays if name in wanted]
    if not ours:
        found = ", ".join(list(weights.arrays)[:8]) or NOTHING
        return UserError(
            f"Expected weights of conv1 to conv5 and fc6 to fc8, found {found}: no "
            "layer is one of AlexNet's. Give a file of an AlexNet."
        )
    return WeightsMisfit(
        f"Expected the {len(wanted)} tensors of preset {preset.name}, found "
        f"{len(rows)} that are missing, left over, of another shape or not finite, "
        f"first {rows[0].tensor}: expected {rows[0].expected}, found "
        f"{rows[0].received}. "
        "Give the whole file of such a network, or another --preset.",
        rows,
    )
