"""The layer table: weights, inputs and operations of every layer, for one image."""

from dataclasses import dataclass

from keras_alexnet.models.geometry import CONVOLUTIONS, KERNELS, map_sizes
from keras_alexnet.presets import Preset

CHANNELS = 3  # of a picture
CONV_LAYERS = tuple(f"conv{number}" for number in CONVOLUTIONS)


@dataclass(frozen=True)
class LayerSize:
    """One row of the layer table, for one image.

    Attributes:
        weights: Elements of the kernel.
        biases: Elements of the bias: filters or units.
        places: Positions at which the kernel is applied; 1 for a dense layer.
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


def layer_table(preset: Preset, num_classes: int = 1000) -> dict[str, LayerSize]:
    """Return the sizes of conv1 to conv5 and fc6 to fc8 without building the network.

    The two-tower presets have 60,965,224 parameters and 724,406,816
    multiply-accumulates.
    """
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
    outputs = {"fc6": preset.units, "fc7": preset.units, "fc8": num_classes}
    for name, units in outputs.items():
        table[name] = LayerSize(inputs * units, units, 1, inputs)
        inputs = units
    return table
