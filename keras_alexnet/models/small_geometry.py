"""Sizes of a small net's maps: windows, strides, and what follows for a preset."""

from keras_alexnet.presets import SmallPreset

POOL, POOL_STRIDE = 3, 2  # pixels


def small_map_sizes(preset: SmallPreset) -> dict[str, int]:
    """Return the side in pixels of the maps that convolutions and pools give."""
    sizes, size = {}, preset.input_size
    layers = zip(preset.convolutions, preset.pools, strict=True)
    for number, (name, pool) in enumerate(layers, start=1):
        sizes[name] = size
        if pool is not None:
            size = -(-size // POOL_STRIDE)  # up: the last window ends where maps do
            sizes[f"pool{number}"] = size
    return sizes
