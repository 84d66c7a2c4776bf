"""Colours and lines that are told apart in grey and by the colour-blind."""

import numpy as np
from matplotlib.colors import ListedColormap

# Okabe and Ito, "Color universal design", 2008, darkest first; no yellow, which is
# too light for a line on white.
OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
# One more than the colours: so many lines differ in one or the other.
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
MAPS = "cividis"  # of numbers over places, uniform in lightness
_LIGHT, _DARK = (100.0, 0.0, 0.0), (22.0, 8.0, -34.0)  # CIELAB: white, dark blue
_WHITE_POINT = (0.95047, 1.0, 1.08883)  # D65
_TO_LINEAR_RGB = (
    (3.2404542, -1.5371385, -0.4985314),
    (-0.9692660, 1.8760108, 0.0415560),
    (0.0556434, -0.2040259, 1.0572252),
)


def shades() -> ListedColormap:
    """Return white to dark blue, one hue, in equal steps of lightness."""
    steps = np.linspace(0, 1, 256)[:, None]
    lab = (1 - steps) * _LIGHT + steps * _DARK
    return ListedColormap(_rgb(lab), "shades")


def _rgb(lab: np.ndarray) -> np.ndarray:
    """Turn CIELAB colours `(n, 3)` into sRGB of 0 to 1."""
    lightness, a, b = lab.T
    y = (lightness + 16) / 116
    roots = np.stack([y + a / 500, y, y - b / 200], axis=1)
    linear = (roots - 16 / 116) * 3 * (6 / 29) ** 2
    xyz = np.where(roots > 6 / 29, roots**3, linear) * _WHITE_POINT
    rgb = np.clip(xyz @ np.transpose(_TO_LINEAR_RGB), 0, 1)
    return np.where(
        rgb <= 0.0031308, 12.92 * rgb, 1.055 * rgb ** (1 / 2.4) - 0.055
    ).clip(0, 1)
