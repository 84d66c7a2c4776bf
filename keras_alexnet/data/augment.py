"""Random crops, flips and colour noise, functions of their seeds (section 4.1)."""

from typing import Literal

import numpy as np
import tensorflow as tf

NOISE_STD = 0.1  # standard deviation of the colour draws; section 4.1
DRAWS = 6  # uniform numbers an example needs: row, column, flip, three for colour

ColourNoise = Literal["released", "eigenvalue"]


def example_draws(seed: int, epoch: tf.Tensor, example: tf.Tensor) -> tf.Tensor:
    """Return the random numbers of one presentation of one example.

    Args:
        seed: Integer in [0, 2^31).
        epoch: int64 scalar in [0, 2^32).
        example: int64 scalar, the example's place in the dataset.

    Returns:
        float32 `(6,)` in [0, 1): row, column, flip, and three for the colour noise.
    """
    key = tf.stack([tf.constant(seed << 32, tf.int64) + epoch, example])
    return tf.random.stateless_uniform((DRAWS,), key)


def crop_offset(draw: tf.Tensor, stored: int, size: int) -> tf.Tensor:
    """Map uniform draws in [0, 1) to offsets 0 to `stored - size` inclusive, int32."""
    return tf.cast(draw * float(stored - size + 1), tf.int32)


def random_crop_flip(
    images: tf.Tensor, size: int, seed: tf.Tensor, *, flip: bool = True
) -> tf.Tensor:
    """Cut a random square out of each picture and mirror half of them.

    Args:
        images: `(batch, height, width, channels)`, any dtype.
        size: Side of the squares in pixels.
        seed: int `(2,)`; the result is a function of it and of the place in the batch.
        flip: Whether to mirror with probability 0.5.

    Returns:
        `(batch, size, size, channels)` of the same dtype.

    Raises:
        ValueError: The pictures are smaller than the crop.

    Reference: section 4.1; offsets are inclusive as in the 2012 source, 33 x 33.
    """
    height, width = images.shape[1:3]
    if min(height, width) < size:
        raise ValueError(
            f"Expected pictures of at least {size} x {size} pixels. "
            f"Received: shape {images.shape}"
        )
    draws = tf.random.stateless_uniform((tf.shape(images)[0], 3), seed)
    steps = tf.range(size)[None]
    rows = crop_offset(draws[:, 0:1], height, size) + steps
    columns = crop_offset(draws[:, 1:2], width, size) + steps
    if flip:
        columns = tf.where(draws[:, 2:3] < 0.5, columns[:, ::-1], columns)
    cropped = tf.gather(images, rows, axis=1, batch_dims=1)
    return tf.gather(cropped, columns, axis=2, batch_dims=1)


def pca_colour(
    images: tf.Tensor,
    stddevs: np.ndarray,
    eigenvectors: np.ndarray,
    seed: tf.Tensor,
    *,
    form: ColourNoise = "released",
    pixel_scale: float = 255.0,
) -> tf.Tensor:
    """Shift the colour of each picture along the principal components of RGB.

    Args:
        images: float `(batch, height, width, 3)`, RGB, mean subtracted.
        stddevs: `(3,)` roots of the eigenvalues of the RGB covariance, in the units of
            the images.
        eigenvectors: `(3, 3)`, one component a column.
        seed: int `(2,)`; the noise is a function of it and of the place in the batch.
        form: See `colour_offsets`.
        pixel_scale: See `colour_offsets`.

    Returns:
        float `(batch, height, width, 3)`: in the `released` form divided by 1.1.
    """
    draws = tf.random.stateless_uniform((tf.shape(images)[0], 3), seed)
    offsets = colour_offsets(
        draws, stddevs, eigenvectors, form=form, pixel_scale=pixel_scale
    )
    shifted = images + tf.cast(offsets, images.dtype)[:, None, None, :]
    return shifted / colour_divisor(form)


def colour_offsets(
    draws: tf.Tensor,
    stddevs: np.ndarray,
    eigenvectors: np.ndarray,
    *,
    form: ColourNoise,
    pixel_scale: float = 255.0,
) -> tf.Tensor:
    """Turn uniform draws into RGB offsets, one for each picture.

    Args:
        draws: float32 `(batch, 3)` in [0, 1).
        stddevs: `(3,)` roots of the eigenvalues of the RGB covariance, in grey levels.
        eigenvectors: `(3, 3)`, one component a column.
        form: `released` takes the roots, as the 2012 source does; `eigenvalue` takes
            the printed formula, which depends on the scale of the pixels.
        pixel_scale: Grey levels in the unit of the `eigenvalue` form; 255 reads the
            formula on [0, 1] pixels.

    Returns:
        float32 `(batch, 3)` in grey levels.

    Raises:
        ValueError: Unknown form.

    Reference: section 4.1; convdata_jpeg.py of the release.
    """
    colour_divisor(form)
    spread = stddevs if form == "released" else np.square(stddevs) / pixel_scale
    # A draw of exactly 0 would be minus infinity.
    normal = tf.math.ndtri(tf.maximum(draws, 1e-7))
    components = (NOISE_STD * spread * eigenvectors).astype("float32")
    return tf.linalg.matmul(normal, components, transpose_b=True)


def colour_divisor(form: ColourNoise | None) -> float:
    """Return what the release divides noisy batches by, 1.1; 1 for the other forms."""
    if form not in ("released", "eigenvalue", None):
        raise ValueError(
            "Expected colour noise 'released', 'eigenvalue' or None. "
            f"Received: {form!r}"
        )
    return 1.0 + NOISE_STD if form == "released" else 1.0
