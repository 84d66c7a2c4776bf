"""Sizes of LeNet-5's maps, and how its layers reach over them."""

from keras_alexnet.presets import LenetPreset

LENET_WINDOWS = {"c1": 5, "s2": 2, "c3": 5, "s4": 2, "c5": 5}  # pixels
LENET_UNITS = 84  # of f6
C3_LINKS = 60  # of maps of S2 to maps of C3, in the form of 1998
_MAPS = {"c1": 6, "s2": 6, "c3": 16, "s4": 16, "c5": 120}


def lenet_maps(preset: LenetPreset) -> dict[str, tuple[int, int, int]]:
    """Return rows, columns and channels of the maps that each layer gives."""
    side, maps = preset.input_size, {}
    for name, channels in _MAPS.items():
        window = LENET_WINDOWS[name]
        side = side // window if name.startswith("s") else side - window + 1
        maps[name] = (side, side, channels)
    return maps
