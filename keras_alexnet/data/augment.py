"""Random crops, flips and colour noise, functions of their seeds (section 4.1)."""

from typing import Any, Literal

import numpy as np
import tensorflow as tf

from keras_alexnet.data.mean import subtract_mean
from tfrecords.errors import UserError

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


def crop_corner(
    draws: tf.Tensor, stored: int, size: int, random: bool = True
) -> tf.Tensor:
    """Return where the crop of a presentation begins.

    Args:
        draws: Of `example_draws`.
        stored: Side of the picture in pixels.
        size: Side of the crop in pixels.
        random: Whether that is a random place; otherwise the centre.

    Returns:
        int32 `(2,)`, row and column.
    """
    if not random:
        return tf.constant([(stored - size) // 2] * 2)
    return crop_offset(draws[:2], stored, size)


def crop_offset(
    draws: tf.Tensor, stored: int | tuple[int, int], size: int
) -> tf.Tensor:
    """Map uniform draws to where crops begin.

    Args:
        draws: float32 in [0, 1).
        stored: Side of the pictures in pixels; or height and width, for draws of rows
            and columns.
        size: Side of the crops in pixels.

    Returns:
        int32 of the shape of the draws: 0 to `stored - size` inclusive.
    """
    places = np.subtract(stored, size) + 1
    return tf.cast(draws * places.astype("float32"), tf.int32)


def flip_half(image: tf.Tensor, draw: tf.Tensor) -> tf.Tensor:
    """Mirror one picture `(height, width, channels)` if its draw is below a half."""
    # Not a slice of step -1: that is three times slower than all the rest.
    return tf.cond(draw < 0.5, lambda: tf.reverse(image, [1]), lambda: image)


def random_crop_flip(
    images: tf.Tensor,
    size: int,
    seed: tf.Tensor | None = None,
    *,
    flip: bool = True,
    draws: tf.Tensor | None = None,
) -> tf.Tensor:
    """Cut a random square out of each picture and mirror half of them.

    Args:
        images: `(batch, height, width, channels)`, any dtype.
        size: Side of the squares in pixels.
        seed: int `(2,)`; the result is a function of it and of the place in the batch.
        flip: Whether to mirror with probability 0.5.
        draws: In place of a seed, float32 `(batch, 3)` in [0, 1): row, column, flip.
            The first three `example_draws` of each picture give what training sees.

    Returns:
        `(batch, size, size, channels)` of the same dtype.

    Raises:
        UserError: The pictures are smaller than the crop, or there are both a seed and
            draws, or neither.

    Reference: section 4.1; offsets are inclusive as in the 2012 source, 33 x 33.
    """
    images = tf.convert_to_tensor(images)
    height, width, channels = images.shape[1:]
    if min(height, width) < size:
        raise UserError(
            f"Expected pictures of at least {size} x {size} pixels. "
            f"Received: shape {images.shape}"
        )

    def one(image: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
        corner = crop_offset(draws[:2], (height, width), size)
        crop = tf.slice(image, tf.concat([corner, [0]], 0), (size, size, channels))
        return flip_half(crop, draws[2]) if flip else crop

    return tf.map_fn(
        lambda both: one(*both),
        (images, _draws(images, seed, draws)),
        fn_output_signature=tf.TensorSpec((size, size, channels), images.dtype),
    )


def pca_colour(
    images: tf.Tensor,
    stddevs: np.ndarray,
    eigenvectors: np.ndarray,
    seed: tf.Tensor | None = None,
    *,
    form: ColourNoise = "released",
    pixel_scale: float = 255.0,
    draws: tf.Tensor | None = None,
) -> tf.Tensor:
    """Shift the colour of each picture along the principal components of RGB.

    Args:
        images: float `(batch, height, width, 3)`, RGB, mean subtracted; one or more.
        stddevs: `(3,)` roots of the eigenvalues of the RGB covariance, in the units of
            the images.
        eigenvectors: `(3, 3)`, one component a column.
        seed: int `(2,)`; the noise is a function of it and of the place in the batch.
        form: See `colour_offsets`.
        pixel_scale: See `colour_offsets`.
        draws: In place of a seed, float32 `(batch, 3)` in [0, 1). The last three
            `example_draws` of each picture give what training sees.

    Returns:
        float `(batch, height, width, 3)`, computed in float32: in the `released` form
        divided by 1.1.

    Raises:
        UserError: Unknown form, or there are both a seed and draws, or neither.
    """
    images = tf.convert_to_tensor(images)

    def one(draws: tf.Tensor) -> tf.Tensor:
        return colour_offset(
            draws, stddevs, eigenvectors, form=form, pixel_scale=pixel_scale
        )

    drawn = _draws(images, seed, draws)
    offsets = tf.map_fn(one, drawn, fn_output_signature=tf.TensorSpec((3,), tf.float32))
    unchanged = tf.zeros(tf.shape(images)[1:])
    noisy = subtract_mean(images, unchanged, *scaled_noise(offsets, form))
    return tf.cast(noisy, images.dtype)


def colour_offset(draws: tf.Tensor, *arguments: Any, **options: Any) -> tf.Tensor:
    """Return the `colour_offsets` of one picture: float32 `(3,)` of `(3,)` draws.

    One at a time: the last bit of a batch of them depends on its length.
    """
    return colour_offsets(draws[None], *arguments, **options)[0]


def scaled_noise(
    offsets: tf.Tensor, form: ColourNoise, noisy: tf.Tensor | bool = True
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return offsets and scale of a `PixelBatch`, from those of `colour_offsets`.

    Args:
        offsets: float32 `(batch, 3)` in grey levels.
        form: See `colour_offsets`.
        noisy: Whether there is noise. Without, the release does not divide either.

    Returns:
        float32 `(batch, 3)` in the scale of the inputs, and a float32 scalar.
    """
    scale = tf.where(noisy, 1 / colour_divisor(form), 1.0)
    return tf.where(noisy, offsets * scale, 0.0), scale


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
        UserError: Unknown form.

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
        raise UserError(
            "Expected colour noise 'released', 'eigenvalue' or None. "
            f"Received: {form!r}"
        )
    return 1.0 + NOISE_STD if form == "released" else 1.0


def _draws(
    images: tf.Tensor, seed: tf.Tensor | None, draws: tf.Tensor | None
) -> tf.Tensor:
    """Return three uniform draws for each image, given or made of the seed."""
    if (seed is None) == (draws is None):
        raise UserError("Expected a seed or draws, got both or neither.")
    if draws is None:
        return tf.random.stateless_uniform((tf.shape(images)[0], 3), seed)
    return tf.convert_to_tensor(draws, tf.float32)
