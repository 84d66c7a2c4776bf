"""Sizes of a small net's maps: windows, strides, and what follows for a preset."""

from keras_alexnet.presets import SmallPreset

KERNEL = 5  # pixels, of every convolution, whose stride is 1; layers-18pct.cfg
POOL, POOL_STRIDE = 3, 2  # pixels


def small_map_sizes(preset: SmallPreset) -> dict[str, int]:
    """Return the side in pixels of the maps that convolutions and pools give."""
    sizes, size = {}, preset.input_size
    for number in range(1, len(preset.filters) + 1):
        sizes[f"conv{number}"] = size
        size = -(-size // POOL_STRIDE)  # up: the last window ends where the map does
        sizes[f"pool{number}"] = size
    return sizes
