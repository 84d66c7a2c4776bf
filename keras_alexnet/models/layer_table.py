"""The layer table: weights, inputs and operations of every layer, for one image."""

from dataclasses import dataclass

from keras_alexnet.models.geometry import CONVOLUTIONS, KERNELS, map_sizes
from keras_alexnet.models.lenet_geometry import (
    C3_LINKS,
    LENET_UNITS,
    LENET_WINDOWS,
    lenet_maps,
)
from keras_alexnet.models.small_geometry import small_map_sizes
from keras_alexnet.presets import AnyPreset, LenetPreset, SmallPreset

CHANNELS = 3  # of a picture
CONV_LAYERS = tuple(f"conv{number}" for number in CONVOLUTIONS)


@dataclass(frozen=True)
class LayerSize:
    """One row of the layer table, for one image.

    Attributes:
        weights: Elements of the kernel.
        biases: Elements of the bias: filters or units; of an unshared layer those of
            all positions, as its weights.
        places: Positions at which the kernel is applied; 1 for a dense or an unshared
            layer.
        inputs: Activations that the layer reads, padding not counted.
    """

    weights: int
    biases: int
    places: int
    inputs: int

    @property
    def parameters(self) -> int:
        """Elements of kernel and bias."""
        return self.weights + self.biases

    @property
    def macs(self) -> int:
        """Multiply-accumulates of a forward pass of one image."""
        return self.weights * self.places


def layer_table(preset: AnyPreset, num_classes: int = 1000) -> dict[str, LayerSize]:
    """Return the sizes of all layers with weights, without building the network.

    The two-tower presets have 60,965,224 parameters and 724,406,816
    multiply-accumulates. The fixed codes of LeNet-5 of 1998 are not in it.
    """
    if isinstance(preset, LenetPreset):
        return _lenet_table(preset, num_classes)
    if isinstance(preset, SmallPreset):
        return _small_table(preset, num_classes)
    maps = map_sizes(preset)
    sides = [maps["conv1"], maps["conv2"], *[maps["pool2"]] * 2, maps["conv5"]]
    read = [preset.input_size, maps["pool1"], *[maps["pool2"]] * 3]
    channels = (CHANNELS, *preset.filters)
    table = {}
    for i, name in enumerate(CONV_LAYERS):
        filters = preset.filters[i]
        fan_in = KERNELS[i] ** 2 * channels[i] // preset.groups[i]
        table[name] = LayerSize(
            fan_in * filters, filters, sides[i] ** 2, read[i] ** 2 * channels[i]
        )
    inputs = maps["pool5"] ** 2 * preset.filters[-1]
    outputs = {name: preset.units for name in preset.hidden}
    return table | _dense_rows(inputs, {**outputs, preset.head: num_classes})


def _small_table(preset: SmallPreset, num_classes: int) -> dict[str, LayerSize]:
    maps, read, channels = small_map_sizes(preset), preset.input_size, CHANNELS
    table = {}
    for index, name in enumerate(preset.convolutions):
        filters, places = preset.filters[index], maps[name] ** 2
        weights = preset.kernels[index] ** 2 * channels * filters
        own = places if preset.kinds[index] == "local" else 1  # kernels and biases
        table[name] = LayerSize(
            own * weights, own * filters, places // own, read**2 * channels
        )
        read, channels = maps.get(f"pool{index + 1}", read), filters
    outputs = dict(zip(preset.hidden, preset.units, strict=True))
    outputs[preset.head] = num_classes
    return table | _dense_rows(read**2 * channels, outputs)


def _lenet_table(preset: LenetPreset, num_classes: int) -> dict[str, LayerSize]:
    table, old, side, channels = {}, preset.form == "1998", preset.input_size, 1
    for name, (rows, columns, filters) in lenet_maps(preset).items():
        links = C3_LINKS if old and name == "c3" else channels * filters
        weights = LENET_WINDOWS[name] ** 2 * links
        if name.startswith("s"):
            weights = filters  # a coefficient for each map
        if name in preset.convolutions:
            inputs = side**2 * channels
            table[name] = LayerSize(weights, filters, rows * columns, inputs)
        side, channels = rows, filters
    outputs = {"f6": LENET_UNITS} | ({} if old else {"output": num_classes})
    return table | _dense_rows(channels, outputs)


def _dense_rows(inputs: int, outputs: dict[str, int]) -> dict[str, LayerSize]:
    table = {}
    for name, units in outputs.items():
        table[name] = LayerSize(inputs * units, units, 1, inputs)
        inputs = units
    return table
