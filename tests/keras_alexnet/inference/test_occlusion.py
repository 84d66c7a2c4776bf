import numpy as np
import pytest

from keras_alexnet.inference.occlusion import BATCH_SIZE, occlusion_map
from tests.reference import UNIT
from tfrecords.errors import UserError


def softmax_of_products(size, classes=4, seed=0):
    """A network of one layer, in float64."""
    weights = np.random.default_rng(seed).normal(size=(size * size * 3, classes))

    def probabilities(images):
        logits = images.reshape(len(images), -1).astype(np.float64) @ weights / size
        powers = np.exp(logits - logits.max(1, keepdims=True))
        return powers / powers.sum(1, keepdims=True)

    return probabilities


def expected_map(image, class_index, probabilities, square, offsets):
    """The definition, a pixel at a time."""
    size = len(image)
    falls = {}
    for top in offsets:
        for left in offsets:
            covered = image.copy()
            covered[top : top + square, left : left + square] = 0
            both = probabilities(np.stack([image, covered]))[:, class_index]
            falls[top, left] = both[0] - both[1]
    found = np.zeros((size, size))
    for row in range(size):
        for column in range(size):
            found[row, column] = np.mean(
                [
                    fall
                    for (top, left), fall in falls.items()
                    if 0 <= row - top < square and 0 <= column - left < square
                ]
            )
    return found


@pytest.mark.parametrize(
    ("square", "step", "offsets"),
    [
        (6, 3, (0, 3, 6, 9, 12, 14)),  # the last one ends where the image does
        (5, 5, (0, 5, 10, 15)),
        (None, None, (*range(0, 15), 15)),  # a quarter, and a quarter of that
        (20, None, (0,)),
    ],
)
def test_a_pixel_gets_the_mean_fall_of_the_squares_that_cover_it(square, step, offsets):
    image = np.random.default_rng(1).normal(size=(20, 20, 3)).astype(np.float32)
    network = softmax_of_products(20)
    found = occlusion_map(image, 2, network, square=square, step=step)
    expected = expected_map(image, 2, network, square or 5, offsets)
    assert found.shape == (20, 20) and found.dtype == np.float32
    assert np.abs(expected).max() > 0.01
    # A fall is at most 1; the map is rounded once to float32, and the sums of float64
    # are far below that.
    np.testing.assert_allclose(found, expected, rtol=0, atol=2 * UNIT["float32"])


def test_squares_are_as_published_on_images_of_a_whole_network():
    seen = []

    def probabilities(images):
        seen.extend(images[1:])
        return np.full((len(images), 2), 0.5)

    occlusion_map(np.ones((227, 227, 3), np.float32), 0, probabilities)
    covered = [np.argwhere(image[..., 0] == 0) for image in seen]
    starts = [tuple(map(int, c[0])) for c in covered if len(c)]
    assert {len(c) for c in covered if len(c)} == {32 * 32}
    axis = [*range(0, 195, 8), 195]
    assert starts == [(top, left) for top in axis for left in axis]


def test_all_passes_have_one_shape_and_begin_with_the_image_itself():
    image = np.ones((12, 12, 3), np.float32)

    def probabilities(images):
        assert images.shape == (BATCH_SIZE, 12, 12, 3)
        assert (images[0] == 1).all() and (image == 1).all()
        return softmax_of_products(12)(images)

    occlusion_map(image, 0, probabilities, square=3, step=1)


def test_covering_what_is_the_mean_colour_already_changes_nothing():
    found = occlusion_map(np.zeros((9, 9, 3), np.float32), 1, softmax_of_products(9))
    assert not found.any()


def test_only_what_counts_is_found():
    def probabilities(images):
        """One pixel alone decides."""
        fired = images[:, 4, 11, 0] > 0
        return np.stack([fired, 1 - fired], axis=1)

    image = np.ones((16, 16, 3), np.float32)
    found = occlusion_map(image, 0, probabilities, square=1, step=1)
    assert found[4, 11] == 1 and found.sum() == 1
    np.testing.assert_array_equal(
        occlusion_map(image, 1, probabilities, square=1, step=1), -found
    )


@pytest.mark.parametrize(
    ("sides", "said"),
    [
        ({"square": 9}, "square of at most 8 pixels, the side of the image, got 9"),
        ({"square": 3, "step": 4}, "step of at most 3 pixels, the square, .* got 4"),
        ({"square": 0}, "square"),
        ({"step": 0}, "step"),
        ({"square": 2.5}, "square"),
    ],
)
def test_sides_out_of_range_are_refused(sides, said):
    image = np.zeros((8, 8, 3), np.float32)
    with pytest.raises(UserError, match=said):
        occlusion_map(image, 0, softmax_of_products(8), **sides)
