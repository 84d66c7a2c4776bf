import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_rgb

from keras_alexnet.figures.colours import MAPS, MARKERS, OKABE_ITO, shades

WEIGHTS = (0.2126, 0.7152, 0.0722)  # of linear R, G and B in luminance


def lightness(rgb):
    """CIE L* of sRGB colours `(n, 3)`, written out from its definition."""
    rgb = np.asarray(rgb)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    y = linear @ WEIGHTS
    return np.where(y > 216 / 24389, 116 * np.cbrt(y) - 16, y * 24389 / 27)


def test_shades_fall_in_equal_steps_from_white():
    rgb = shades()(np.arange(256))[:, :3]
    assert rgb[0].min() > 0.999
    steps = -np.diff(lightness(rgb))
    # The four digits of the matrices leave some ten thousandths of a step.
    assert np.abs(steps - 78 / 255).max() < 0.01 * 78 / 255
    assert (np.diff(rgb[:, 0]) < 0).all()  # so it is one hue, towards blue
    assert rgb[-1, 2] > rgb[-1, 0]


def test_the_map_rises_in_grey():
    assert (np.diff(lightness(colormaps[MAPS](np.arange(256))[:, :3])) > 0).all()


def test_lines_can_be_seen_on_white_and_differ_in_colour_or_marker():
    assert lightness([to_rgb(colour) for colour in OKABE_ITO]).max() < 75
    looks = {
        (OKABE_ITO[n % len(OKABE_ITO)], MARKERS[n % len(MARKERS)])
        for n in range(len(OKABE_ITO) * len(MARKERS))
    }
    assert len(looks) == len(OKABE_ITO) * len(MARKERS)
