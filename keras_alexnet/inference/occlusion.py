"""How much less likely a class becomes where a picture is covered.

Zeiler and Fergus, "Visualizing and understanding convolutional networks", 2014.
"""

from collections.abc import Callable, Iterator

import numpy as np

from tfrecords.errors import UserError
from tfrecords.ranges import check_count

SQUARE = 32  # pixels, of a picture of 128 or more
STEPS_PER_SQUARE = 4
# Images in a pass, of which the first is not covered. All passes have as many, a
# multiple of the rows that oneDNN's matrix product takes at once, so that what is not
# covered has the same probabilities to the last bit as what is covered without effect.
BATCH_SIZE = 36


def occlusion_map(
    image: np.ndarray,
    class_index: int,
    probabilities: Callable[[np.ndarray], np.ndarray],
    *,
    square: int | None = None,
    step: int | None = None,
) -> np.ndarray:
    """Return by how much the probability of a class falls where an image is covered.

    A square of the mean colour, which is 0, is laid on the image at every `step`
    pixels, and once at the end of each axis. A pixel gets the mean of the falls of the
    squares that cover it.

    Args:
        image: float32 `(size, size, 3)` with the mean subtracted.
        class_index: Place of the class in the label order.
        probabilities: From images, float32 `(batch, size, size, 3)`, to float32
            `(batch, classes)`.
        square: Side of the square in pixels, at most that of the image; None: 32, or a
            quarter of an image of less than 128.
        step: Pixels from one square to the next, at most `square`; None: a quarter of
            it.

    Returns:
        float32 `(size, size)` of -1 to 1; below 0 where the class becomes likelier.

    Raises:
        UserError: A side or a step out of its range.
    """
    size = image.shape[0]
    square = min(SQUARE, max(1, size // 4)) if square is None else square
    _check_side("square", square, size, "the side of the image")
    step = max(1, square // STEPS_PER_SQUARE) if step is None else step
    _check_side("step", step, square, "the square, or pixels would lie between them")
    offsets = [*range(0, size - square, step), size - square]
    places = [(top, left) for top in offsets for left in offsets]
    falls = np.zeros((size, size))
    covers = np.zeros((size, size))
    for start in range(0, len(places), BATCH_SIZE - 1):
        some = places[start : start + BATCH_SIZE - 1]
        images = np.repeat(image[None], BATCH_SIZE, axis=0)
        for covered, place in zip(images[1:], _squares(some, square), strict=False):
            covered[place] = 0
        of_class = np.asarray(probabilities(images), np.float64)[:, class_index]
        falling = of_class[0] - of_class[1:]
        for place, fall in zip(_squares(some, square), falling, strict=False):
            falls[place] += fall
            covers[place] += 1
    return (falls / covers).astype(np.float32)


def _squares(places: list[tuple[int, int]], side: int) -> Iterator[tuple[slice, slice]]:
    for top, left in places:
        yield np.s_[top : top + side, left : left + side]


def _check_side(name: str, side: int, most: int, reason: str) -> None:
    check_count(name, side)
    if side > most:
        raise UserError(
            f"Expected {name} of at most {most} pixels, {reason}, got {side}."
        )
