"""Arrays as pictures that a page shows without another request."""

import base64
import io

import numpy as np
from PIL import Image


def data_url(pixels: np.ndarray, kind: str = "PNG") -> str:
    """Return pixels as a picture in a `data:` URL.

    Args:
        pixels: uint8 `(height, width, 3)`, RGB, or `(height, width)`, grey.
        kind: PNG, or JPEG where what is seen need not be exact.
    """
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, kind, quality=85)
    text = base64.b64encode(encoded.getvalue()).decode("ascii")
    return f"data:image/{kind.lower()};base64,{text}"


def sheet(pictures: np.ndarray, columns: int) -> np.ndarray:
    """Return pictures side by side, row by row; places that are left over are black.

    Args:
        pictures: `(count, height, width, ...)`.
        columns: In a row.

    Returns:
        `(rows * height, columns * width, ...)` of the same dtype.
    """
    count, height, width, *colours = pictures.shape
    rows = -(-count // columns)
    filled = np.zeros((rows * columns, *pictures.shape[1:]), pictures.dtype)
    filled[:count] = pictures
    grid = filled.reshape(rows, columns, height, width, *colours).swapaxes(1, 2)
    return grid.reshape(rows * height, columns * width, *colours)


def grey_levels(values: np.ndarray, lowest: float, highest: float) -> np.ndarray:
    """Return numbers as levels of grey: uint8, 0 at the lowest, 255 at the highest.

    Where the two are equal all is 0.
    """
    width = highest - lowest
    levels = (values - lowest) * (255 / width) if width else np.zeros_like(values)
    return np.rint(np.clip(levels, 0, 255)).astype(np.uint8)
