"""How much of a kernel is colour: the specialisation of the towers, in a number."""

import numpy as np

from tfrecords.errors import UserError


def colour_index(kernel: np.ndarray) -> np.ndarray:
    """Return the share of each kernel's energy that is off the grey axis.

    A kernel is at each of its pixels a vector `w` of R, G and B. What is grey of it is
    the projection on (1, 1, 1) / sqrt 3, of squared length (R + G + B)² / 3:

        index = 1 - sum((R + G + B)² / 3) / sum(R² + G² + B²)

    with both sums over the pixels. Nothing is subtracted before: neither the mean of a
    kernel nor the bias. 0 is a kernel that reads R + G + B alone, such as a grating in
    grey; 1 one that grey leaves cold, R + G + B = 0 at every pixel, such as red against
    green; 2/3 one that reads a single colour.

    Args:
        kernel: Numbers `(rows, columns, colours, filters)`, of 3 colours, R, G and B,
            or 1, whose kernels are grey.

    Returns:
        float64 `(filters,)` of 0 to 1; 0 for a kernel of zeros.

    Raises:
        UserError: Another shape.
    """
    kernel = np.asarray(kernel, np.float64)
    if kernel.ndim != 4 or kernel.shape[2] not in (1, 3):
        raise UserError(
            "Expected kernels of shape (rows, columns, 1 or 3, filters), got "
            f"{kernel.shape}."
        )
    energy = np.square(kernel).sum((0, 1, 2))
    grey = np.square(kernel.sum(2)).sum((0, 1)) / kernel.shape[2]
    share = np.divide(grey, energy, out=np.ones_like(energy), where=energy > 0)
    return np.clip(1 - share, 0, 1)
