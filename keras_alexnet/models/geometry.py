"""Sizes of AlexNet's maps: kernels, strides, zeros, and what follows for a preset."""

from keras_alexnet.presets import Preset
from tfrecords.errors import UserError

KERNELS = (11, 5, 3, 3, 3)  # pixels, conv1 to conv5; section 3.5
CONV1_STRIDE = 4  # pixels; section 3.5
CONVOLUTIONS = (1, 2, 3, 4, 5)
IN_MAP_WINDOW = 5  # pixels of its map, of the in-map normalisation; layers-145.cfg


def conv_mode(preset: Preset, number: int) -> str:
    """Return the padding mode of a convolution after its explicit zeros."""
    if number == 1:
        return "valid"
    # layers-147.cfg: conv2 pads 1 and conv5 pads 0, so that fc6 keeps its 6 x 6 maps.
    shrinks = preset.pooling == "non_overlapping" and number in (2, 5)
    return "valid" if shrinks else "same"


def zero_padding(preset: Preset, number: int) -> tuple[int, int]:
    """Return the zeros added before and after a convolution's input, on both axes."""
    if number == 2 and preset.pooling == "non_overlapping":
        return 1, 1
    if number != 1:
        return 0, 0
    if preset.conv1_padding == "ceil":
        return 0, (KERNELS[0] - preset.input_size) % CONV1_STRIDE
    return preset.conv1_padding, preset.conv1_padding


def map_sizes(preset: Preset) -> dict[str, int]:
    """Return the side in pixels of the maps that conv1 and the three pools give.

    A size of zero or less means that the input is too small for this network.
    """
    sizes = {}
    size = preset.input_size
    for number, stride in ((1, CONV1_STRIDE), (2, 1), (5, 1)):
        size += sum(zero_padding(preset, number))
        if conv_mode(preset, number) == "valid":
            size = (size - KERNELS[number - 1]) // stride + 1
        sizes[f"conv{number}"] = size
        overlapping = preset.pooling == "overlapping"
        size = (size - 3) // 2 + 1 if overlapping else (size + 1) // 2
        sizes[f"pool{number}"] = size
    return sizes


def check_size(preset: Preset) -> None:
    """Raise UserError for an input that leaves no map; the least size is named."""
    sizes = map_sizes(preset)
    if min(sizes.values()) < 1:
        least = preset.input_size
        while min(map_sizes(preset.replace(input_size=least)).values()) < 1:
            least += 1
        raise UserError(
            f"An input of {preset.input_size} pixels leaves no map ({sizes}). "
            f"Use input_size >= {least}."
        )
