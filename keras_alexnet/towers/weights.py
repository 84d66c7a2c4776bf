"""Weights between the network in one piece and in two towers, without loss."""

import re
from collections.abc import Mapping

import keras
import numpy as np

from tfrecords.errors import UserError

# Layers of which each tower has a half; fc8 is whole.
HALVED_LAYERS = (*(f"conv{n}" for n in range(1, 6)), *("fc6", "fc7", "drop6", "drop7"))
HALVED = ("kernel", "bias")  # along the last axis; other values are the same in both
_NAME = re.compile(
    rf"(?P<before>(?:.*/)?)(?P<layer>{'|'.join(HALVED_LAYERS)})"
    r"(?:_(?P<tower>[ab]))?/(?P<kind>[^/]+)"
)


def merge(named: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return values under the names of `alexnet()`: `conv1/kernel` and so on.

    Args:
        named: Values of `two_towers()` by name, `conv1_a/kernel`, `conv1_b/kernel`,
            `fc8/bias`, with any path before: weights, velocities, dropout counters.
            Names of no tower are left as they are.

    Raises:
        UserError: One tower's half is missing, the halves do not fit, or the towers
            differ in what they have in common.
    """
    merged: dict[str, np.ndarray] = {}
    for name, value in named.items():
        match = _NAME.fullmatch(name)
        if match is None or match["tower"] is None:
            merged[name] = value
        else:
            whole = f"{match['before']}{match['layer']}/{match['kind']}"
            if whole not in merged:
                halves = [_half(named, match, tower) for tower in "ab"]
                merged[whole] = _join(whole, *halves)
    return merged


def split(named: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return values under the names of `two_towers()`; the inverse of `merge`.

    Raises:
        UserError: A layer has an odd number of outputs.
    """
    parts: dict[str, np.ndarray] = {}
    for name, value in named.items():
        match = _NAME.fullmatch(name)
        if match is None or match["tower"]:
            parts[name] = value
            continue
        if match["kind"] in HALVED and value.shape[-1] % 2:
            raise UserError(
                f"Expected an even number of outputs in {name}, got {value.shape}: it "
                "does not fall into two towers."
            )
        halved = match["kind"] in HALVED
        halves = np.split(value, 2, axis=-1) if halved else (value, value)
        for tower, half in zip("ab", halves, strict=True):
            parts[f"{match['before']}{match['layer']}_{tower}/{match['kind']}"] = half
    return parts


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Copy weights and dropout counters, exactly, into a network of either form.

    Files go through it too: load what was saved, then copy. One layer is held at a
    time, so no second set of weights is made.

    Args:
        source: An `alexnet()` or a `two_towers()`.
        target: The same network in the same or the other form.

    Raises:
        UserError: They are different networks; nothing has been copied then.
    """
    givers, takers = _by_layer(source), _by_layer(target)
    _compare(givers, takers)
    for layer, variables in takers.items():
        values = {n: v.numpy() for n, v in givers[layer].items()}
        if set(values) != set(variables):
            values = merge(values) if any("_a/" in n for n in values) else split(values)
        for name, variable in variables.items():
            variable.assign(values[name])


def tower_variables(model: keras.Model) -> dict[str, keras.Variable]:
    """Return every variable of a network by name, such as `conv1_a/kernel`."""
    return {
        f"{layer.name}/{variable.name}": variable
        for layer in model.layers
        for variable in layer.variables
    }


def _half(named: Mapping[str, np.ndarray], match: re.Match[str], tower: str):
    name = f"{match['before']}{match['layer']}_{tower}/{match['kind']}"
    if name not in named:
        raise UserError(
            f"Expected both towers' halves, found {match[0]} but no {name}."
        )
    return named[name]


def _join(name: str, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    halved = name.rsplit("/", 1)[-1] in HALVED
    if a.shape != b.shape or not (halved or np.array_equal(a, b)):
        raise UserError(
            f"Expected towers that fit together as {name}, got {a.shape} and {b.shape}"
            + (" with other values." if a.shape == b.shape else ".")
        )
    return np.concatenate([a, b], axis=-1) if halved else a


def _by_layer(model: keras.Model) -> dict[str, dict[str, keras.Variable]]:
    """Return the variables of each layer, both towers of one together."""
    grouped: dict[str, dict[str, keras.Variable]] = {}
    for name, variable in tower_variables(model).items():
        match = _NAME.fullmatch(name)
        layer = match["layer"] if match else name.split("/")[0]
        grouped.setdefault(layer, {})[name] = variable
    return grouped


def _compare(
    givers: dict[str, dict[str, keras.Variable]],
    takers: dict[str, dict[str, keras.Variable]],
) -> None:
    for layer in sorted({*givers, *takers}):
        found, expected = _shapes(givers.get(layer, {})), _shapes(takers.get(layer, {}))
        if found != expected:
            raise UserError(
                f"Expected the same network in both, got {layer} with "
                f"{found or 'nothing'} for one with {expected or 'nothing'}."
            )


def _shapes(variables: dict[str, keras.Variable]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a layer's values as they are in one piece."""
    shapes = {}
    for name, variable in variables.items():
        match, kind = _NAME.fullmatch(name), name.rsplit("/", 1)[-1]
        shape = tuple(variable.shape)
        if match and match["tower"] and kind in HALVED:
            shape = (*shape[:-1], 2 * shape[-1])
        shapes[kind] = shape
    return shapes
