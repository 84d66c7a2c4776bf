from statistics import NormalDist

import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.data import (
    augment,
    pca_colour,
    random_crop_flip,
    train_dataset,
    training_batches,
)
from keras_alexnet.data.mean import load_statistics, mean_patch
from keras_alexnet.data.order import epoch_order
from tests.keras_alexnet.data.streams import PIXEL, TRAIN, arrays, stored
from tests.reference import relative, rounding_bound
from tests.small import INPUT

EIGENVECTORS = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
STDDEVS = np.array([121.8, 37.1, 19.7])  # spec: cuda-convnet2's own values


def pictures(count=4, side=12, seed=0):
    return np.random.default_rng(seed).integers(
        0, 256, (count, side, side, 3), np.uint8
    )


def windows(image, size):
    places = image.shape[0] - size + 1
    for row in range(places):
        for column in range(places):
            window = image[row : row + size, column : column + size]
            yield (row, column, False), window
            yield (row, column, True), window[:, ::-1]


def find(image, crop):
    found = [k for k, w in windows(image, len(crop)) if np.array_equal(w, crop)]
    assert len(found) == 1
    return found[0]


def test_crops_are_windows_of_their_own_picture_and_half_are_mirrored():
    images = pictures(200)
    crops = random_crop_flip(images, 10, (1, 2)).numpy()
    places = [find(image, crop) for image, crop in zip(images, crops, strict=True)]
    # Offsets 0, 1 and 2 inclusive, and both orientations, all occur.
    assert len(set(places)) == 18
    assert 70 < sum(mirrored for _, _, mirrored in places) < 130


def test_crops_of_pictures_that_are_no_squares_reach_all_of_them():
    images = pictures(200)[:, :10]
    crops = random_crop_flip(images, 9, (1, 2), flip=False).numpy()
    corners = [
        (row, column)
        for image, crop in zip(images, crops, strict=True)
        for row in range(2)
        for column in range(4)
        if np.array_equal(image[row : row + 9, column : column + 9], crop)
    ]
    assert len(corners) == 200 and len({*corners}) == 8


def test_crops_are_a_function_of_the_seed():
    images = pictures(8)
    first, again = (random_crop_flip(images, 9, (3, 4)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert np.any(first != random_crop_flip(images, 9, (3, 5)))


def test_no_crop_is_mirrored_without_flip():
    images = pictures(40)
    crops = random_crop_flip(images, 10, (1, 2), flip=False).numpy()
    found = [find(image, crop) for image, crop in zip(images, crops, strict=True)]
    assert not any(mirrored for _, _, mirrored in found)


def test_crop_inside_a_dataset_equals_the_eager_one():
    images = pictures(3)
    dataset = tf.data.Dataset.from_tensors(images)
    mapped = next(iter(dataset.map(lambda x: random_crop_flip(x, 9, (7, 8)))))
    np.testing.assert_array_equal(mapped, random_crop_flip(images, 9, (7, 8)))


def test_crop_larger_than_the_picture_is_refused():
    with pytest.raises(ValueError, match="at least 13 x 13"):
        random_crop_flip(pictures(), 13, (0, 0))


def test_offsets_reach_both_ends():
    draws = tf.constant([0.0, 0.5, np.nextafter(np.float32(1), np.float32(0))])
    assert augment.crop_offset(draws, 256, 224).numpy().tolist() == [0, 16, 32]


@pytest.mark.parametrize("form", ["released", "eigenvalue"])
def test_colour_offsets_match_a_float64_reference(form):
    draws = np.random.default_rng(1).uniform(0.01, 0.99, (50, 3)).astype("float32")
    got = augment.colour_offsets(draws, STDDEVS, EIGENVECTORS, form=form)
    normal = np.vectorize(NormalDist().inv_cdf)(draws.astype("float64"))
    spread = STDDEVS if form == "released" else STDDEVS**2 / 255
    expected = sum(
        0.1 * normal[:, i : i + 1] * spread[i] * EIGENVECTORS[:, i] for i in range(3)
    )
    # The inverse of the normal distribution takes some fifteen.
    assert relative(got, expected) < rounding_bound("float32", 3, steps=20)


def test_noise_spreads_a_tenth_of_each_component():
    draws = tf.random.stateless_uniform((20_000, 3), (1, 1))
    offsets = augment.colour_offsets(draws, STDDEVS, EIGENVECTORS, form="released")
    along = offsets.numpy() @ EIGENVECTORS
    np.testing.assert_allclose(along.std(axis=0), 0.1 * STDDEVS, rtol=0.03)


def test_the_most_extreme_draws_are_finite():
    draws = tf.constant([[0.0, 1 - 2**-24, 0.5]])
    offsets = augment.colour_offsets(draws, STDDEVS, EIGENVECTORS, form="released")
    assert np.isfinite(offsets).all()


def test_every_pixel_of_a_picture_gets_the_same_colour_and_pictures_differ():
    images = tf.random.stateless_normal((2, 5, 5, 3), (0, 0))
    noisy = pca_colour(images, STDDEVS, EIGENVECTORS, (1, 2), form="eigenvalue")
    added = (noisy - images).numpy()
    limit = rounding_bound("float32") * np.abs(noisy).max()
    np.testing.assert_allclose(added, added[:, :1, :1] + 0 * added, atol=limit)
    assert np.abs(added[0, 0, 0] - added[1, 0, 0]).max() > 1e-3


def test_released_form_divides_the_batch_by_one_and_a_tenth():
    images = tf.random.stateless_normal((2, 5, 5, 3), (0, 0))
    noisy = pca_colour(images, 0 * STDDEVS, EIGENVECTORS, (1, 2), form="released")
    np.testing.assert_allclose(noisy, images / 1.1, rtol=rounding_bound("float32"))


@pytest.mark.parametrize("sides", [(7, 4), (None, None)])
def test_colour_takes_pictures_of_any_sides(sides):
    images = tf.random.stateless_normal((2, 7, 4, 3), (0, 0))
    spec = [tf.TensorSpec((None, *sides, 3))]
    traced = tf.function(
        lambda images: pca_colour(images, STDDEVS, EIGENVECTORS, (1, 2)),
        input_signature=spec,
    )
    expected = pca_colour(images, STDDEVS, EIGENVECTORS, (1, 2))
    np.testing.assert_array_equal(traced(images), expected)


@pytest.mark.parametrize("both", [{}, {"seed": (1, 2), "draws": np.zeros((4, 3))}])
def test_seed_and_draws_exclude_each_other(both):
    with pytest.raises(ValueError, match="a seed or draws"):
        random_crop_flip(pictures(), 9, **both)
    with pytest.raises(ValueError, match="a seed or draws"):
        pca_colour(pictures().astype("float32"), STDDEVS, EIGENVECTORS, **both)


def shown(folder, seed, epoch):
    """The stored pictures in the order of an epoch, and the draws of each."""
    key = tf.constant(epoch, tf.int64)
    examples = epoch_order(TRAIN, seed=seed, epoch=key, batch_size=TRAIN)
    draws = [augment.example_draws(seed, key, example) for example in examples]
    pixels, _ = stored(folder, "train")
    return pixels[[int(example) for example in examples]], np.stack(draws)


@pytest.mark.parametrize("form", ["released", "eigenvalue"])
@pytest.mark.parametrize("flip", [True, False])
def test_with_the_draws_of_the_stream_they_give_its_pixels(raw, form, flip):
    options = {"batch_size": TRAIN, "input_size": INPUT, "seed": 6, "first_epoch": 1}
    options |= {"epochs": 2, "flip": flip, "colour_noise": form}
    images, draws = shown(raw, seed=6, epoch=1)
    crops = random_crop_flip(images, INPUT, flip=flip, draws=draws[:, :3])
    ((expected, *_),) = arrays(training_batches(raw, **options))
    np.testing.assert_array_equal(crops, expected)
    statistics = load_statistics(raw)
    spread = statistics.stddevs, statistics.eigenvectors
    centred = tf.cast(crops, tf.float32) - mean_patch(statistics, INPUT)
    noisy = pca_colour(centred, *spread, form=form, draws=draws[:, 3:])
    ((expected, _),) = arrays(train_dataset(raw, **options))
    # Subtracting the mean in the same pass, the compiler rounds otherwise.
    np.testing.assert_allclose(noisy, expected, rtol=0, atol=2 * PIXEL)


def test_unknown_form_is_refused_by_name():
    with pytest.raises(ValueError, match="Received: 'colourful'"):
        augment.colour_divisor("colourful")


def test_draws_depend_on_seed_epoch_and_example():
    def draws(seed, epoch, example):
        key = [tf.constant(x, tf.int64) for x in (epoch, example)]
        return tuple(augment.example_draws(seed, *key).numpy())

    keys = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, -1)]
    assert len({draws(*key) for key in keys}) == len(keys)
    assert draws(5, 6, 7) == draws(5, 6, 7)
