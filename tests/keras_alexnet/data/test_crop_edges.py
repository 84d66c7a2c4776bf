import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_alexnet.data.crop_edges import CropEdges
from keras_alexnet.data.stored_picture import jpeg_crop, jpeg_window
from tests.small import picture

SIZE, SIDE = 83, 40  # odd, and with room for crops that begin at 16 and 32


def test_the_columns_are_those_where_colour_ends():
    edges = CropEdges.of(256, 224)
    assert edges.firsts == (16, 32) and edges.lasts == tuple(range(223, 254, 2))
    assert CropEdges.of(72, 67) == CropEdges((), (67, 69))
    assert len(CropEdges.of(64, 64)) == len(CropEdges()) == 0


def encoded(seed, quality, subsampling):
    """A JPEG of noise on a smooth picture: every block has colours of its own."""
    noise = np.random.default_rng(seed).integers(0, 99, (SIZE, SIZE, 3), np.uint8)
    pixels = picture(1, seed, SIZE, SIZE) // 2 + noise
    buffer = io.BytesIO()
    options = {"quality": quality, "subsampling": subsampling}
    Image.fromarray(pixels).save(buffer, "JPEG", **options)
    return tf.constant(buffer.getvalue())


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2", "4:4:4"])
@pytest.mark.parametrize("quality", [50, 95])
def test_every_crop_is_made_of_the_picture_and_its_edges(subsampling, quality):
    edges, differing = CropEdges.of(SIZE, SIDE), set()
    for seed in range(2):
        jpeg = encoded(seed, quality, subsampling)
        whole = jpeg_window(jpeg, [0, 0, SIZE, SIZE]).numpy()
        wide = np.concatenate([whole, edges.decode(jpeg, SIZE).numpy()], axis=1)
        for left, (first, last) in enumerate(edges.places(SIZE, SIDE)):
            columns = [first, *range(left + 1, left + SIDE - 1), last]
            for top in (0, 7, 16, SIZE - SIDE):
                crop = jpeg_crop(jpeg, tf.constant([top, left]), SIDE).numpy()
                np.testing.assert_array_equal(crop, wide[top : top + SIDE, columns])
                plain = whole[top : top + SIDE, left : left + SIDE]
                differing |= {left + x for x in np.where(crop != plain)[1]}
    # And no more than these are kept.
    expected = {*edges.firsts, *edges.lasts} if subsampling != "4:4:4" else set()
    assert differing == expected
