"""The training stream from any (epoch, step), in parts, and what a batch is made of."""

import shutil

import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.data import (
    BatchRows,
    PixelBatch,
    augment,
    evaluation_batches,
    train_dataset,
    training_batches,
    training_stream,
)
from tests.keras_alexnet.data.streams import (
    LOW,
    OPTIONS,
    PIXEL,
    STEPS,
    TRAIN,
    arrays,
    assert_same,
    stored,
)
from tests.small import INPUT, STORED
from tfrecords import DatasetError, Statistics


def stream(dataset, **options):
    return training_batches(
        dataset, **{**OPTIONS, "seed": 3, "crop_chunk": 4, **options}
    )


@pytest.fixture(scope="module")
def whole(dataset):
    """Three epochs in one pass."""
    return arrays(stream(dataset, epochs=3))


def test_batches_are_what_the_docstrings_say(dataset):
    images, labels = next(iter(train_dataset(dataset, **OPTIONS)))
    assert images.shape == (8, INPUT, INPUT, 3) and images.dtype == tf.float32
    assert labels.shape == (8,) and labels.dtype == tf.int64
    assert 20 < float(tf.math.reduce_std(images)) < 110
    pixels, own = next(iter(training_batches(dataset, **OPTIONS)))
    assert isinstance(pixels, PixelBatch)
    assert pixels.images.shape == images.shape and pixels.images.dtype == tf.uint8
    assert pixels.offsets.shape == (8, 3) and pixels.offsets.dtype == tf.float32
    assert pixels.scale.shape == () and float(pixels.scale) == np.float32(1 / 1.1)
    np.testing.assert_array_equal(labels, own)


def test_the_options_of_the_docstring_are_those_that_there_are(dataset):
    said = training_stream.train_dataset.__doc__.split("by name:")[1].split("Returns")
    options = eval(f"dict({said[0].strip().rstrip('.')})")
    assert options == vars(training_stream.TrainingOptions())
    for absent in ({"normalized": False}, {"rows": BatchRows()}, {"manifest": None}):
        with pytest.raises(TypeError, match=next(iter(absent))):
            train_dataset(dataset, **OPTIONS, **absent)


def test_two_streams_are_equal_and_seeds_differ(dataset, whole):
    assert_same(arrays(stream(dataset)), whole[:STEPS])
    assert np.any(whole[0][0] != arrays(stream(dataset, seed=4), 1)[0][0])


@pytest.mark.parametrize(("epoch", "step"), [(0, 1), (0, 3), (1, 0), (1, 2)])
def test_a_stream_that_starts_within_an_epoch_is_the_end_of_the_whole(
    dataset, whole, epoch, step
):
    rest = arrays(stream(dataset, epochs=3, first_epoch=epoch, first_step=step))
    assert_same(rest, whole[epoch * STEPS + step :])


@pytest.fixture(scope="module")
def plain(dataset):
    """Two epochs without colour noise."""
    return arrays(stream(dataset, epochs=2, colour_noise=None))


@pytest.mark.parametrize("form", ["released", "eigenvalue"])
def test_colour_noise_ends_at_its_epoch_and_so_does_the_division(dataset, plain, form):
    options = {"epochs": 2, "colour_noise": form}
    batches = stream(dataset, **{**options, "epochs": 1}, colour_epochs=1)
    ending = arrays(batches) + arrays(batches)  # of all passes
    assert_same(ending, arrays(stream(dataset, **options, colour_epochs=1)))
    noisy = arrays(stream(dataset, **options))
    assert_same(ending[:STEPS], noisy[:STEPS])
    assert_same(ending[STEPS:], plain[STEPS:])
    for batch, other in zip(noisy, plain, strict=True):
        assert np.all(batch[1] != 0) and not np.any(other[1])
        assert other[2] == 1 and (batch[2] == 1) == (form == "eigenvalue")


def expected_images(dataset, seed, epoch, noise):
    """What the documentation makes of each picture of the small dataset, in float64."""
    statistics = Statistics.load(dataset / "statistics.npz")
    mean = statistics.mean_image[LOW : LOW + INPUT, LOW : LOW + INPUT]
    for place, pixels in enumerate(stored(dataset, "train")[0]):
        key = [tf.constant(x, tf.int64) for x in (epoch, place)]
        draws = augment.example_draws(seed, *key).numpy()
        row, column = (int(d * (STORED - INPUT + 1)) for d in draws[:2])
        crop = pixels[row : row + INPUT, column : column + INPUT].astype("float64")
        crop = (crop[:, ::-1] if draws[2] < 0.5 else crop) - mean
        if noise:
            crop += augment.colour_offsets(
                draws[None, 3:], statistics.stddevs, statistics.eigenvectors, form=noise
            ).numpy()[0]
        yield crop / (1.1 if noise == "released" else 1)


@pytest.mark.parametrize("noise", ["released", "eigenvalue", None])
def test_a_batch_is_the_documented_function_of_its_examples(dataset, noise):
    options = {**OPTIONS, "batch_size": TRAIN, "colour_noise": noise, "seed": 5}
    batches = train_dataset(dataset, **options, first_epoch=1, epochs=2)
    ((images, labels),) = arrays(batches)
    expected = np.stack([*expected_images(dataset, 5, 1, noise)])
    _, known = stored(dataset, "train")
    # A fused crop cannot smooth the colour of its last column with the next one.
    inside = np.s_[..., 1:-1, :]
    for image, label in zip(images, labels, strict=True):
        distances = np.abs(image - expected)[inside].max(axis=(1, 2, 3))
        nearest = int(np.argmin(distances))
        assert distances[nearest] < 2 * PIXEL  # mean and noise, each rounded
        assert np.abs(image - expected[nearest]).max() < 3
        assert known[nearest] == label


def test_without_random_crops_all_are_the_centre(dataset):
    options = {"batch_size": TRAIN, "flip": False, "random_crop": False}
    ((found, *_),) = arrays(stream(dataset, **options))
    centres = evaluation_batches(
        dataset, split="train", batch_size=TRAIN, input_size=INPUT
    )
    (expected,) = [pixels.images.numpy() for pixels, _ in centres]
    for ours in found:
        assert (ours == expected).all(axis=(1, 2, 3)).sum() == 1


@pytest.mark.parametrize(("chunk", "corners"), [(12, 3), (1, None)])
def test_neighbours_share_a_crop_in_chunks(dataset, monkeypatch, chunk, corners):
    seen = []
    make = training_stream.crop_reader

    def watched(manifest):
        cut = make(manifest)

        def spy(encoded, corner, size):
            tf.py_function(lambda c: seen.append(tuple(c.numpy())), [corner], [])
            return cut(encoded, corner, size)

        return spy

    monkeypatch.setattr(training_stream, "crop_reader", watched)
    options = {"batch_size": TRAIN, "flip": False, "crop_chunk": chunk}
    arrays(stream(dataset, **options))
    assert len(seen) == TRAIN
    assert len({*seen}) == corners if corners else len({*seen}) > 3


@pytest.mark.parametrize(
    ("pipelines", "noise"), [(1, "released"), (2, None), (4, "released"), (4, None)]
)
def test_replicas_together_train_on_the_batches_of_one_device(
    dataset, pipelines, noise
):
    options = {"epochs": 2, "first_step": 1, "crop_chunk": 3, "colour_noise": noise}
    whole = arrays(stream(dataset, **options))
    each = 4 // pipelines
    parts = [
        arrays(
            stream(dataset, **options, rows=BatchRows(n, pipelines, 4)),
            len(whole) * each,
        )
        for n in range(pipelines)
    ]
    for step, (images, offsets, scale, labels) in enumerate(whole):
        batches = [b for p in parts for b in p[step * each : (step + 1) * each]]
        assert {batch[0].shape[0] for batch in batches} == {2}
        for column, expected in ((0, images), (1, offsets), (3, labels)):
            together = np.concatenate([batch[column] for batch in batches])
            np.testing.assert_array_equal(together, expected)
        assert {float(batch[2]) for batch in batches} == {float(scale)}


def test_rows_have_no_end_but_an_error_and_each_pass_is_the_same(dataset):
    batches = stream(dataset, epochs=2, rows=BatchRows(1, 2, 2))
    assert batches.cardinality() == tf.data.INFINITE_CARDINALITY
    first, again = (arrays(batches, 2 * STEPS) for _ in "ab")
    assert_same(first, again)
    with pytest.raises(tf.errors.FailedPreconditionError, match="infinite"):
        list(batches)
    later = stream(dataset, epochs=2, first_step=3, rows=BatchRows(1, 2, 2))
    assert_same(arrays(later, 2 * STEPS - 3), first[3:])


def test_a_batch_larger_than_the_split_is_refused(dataset):
    with pytest.raises(DatasetError, match="at least one batch of 37.*found 36"):
        train_dataset(dataset, **{**OPTIONS, "batch_size": 37})


def test_rows_of_an_uneven_batch_are_refused(dataset):
    with pytest.raises(ValueError, match="divides by the 3 replicas, got 8"):
        stream(dataset, rows=BatchRows(replicas=3))


@pytest.mark.parametrize("make", [train_dataset, training_batches])
def test_missing_statistics_are_named(dataset, tmp_path, make):
    copy = shutil.copytree(dataset, tmp_path / "copy")
    (copy / "statistics.npz").unlink()
    with pytest.raises(DatasetError, match="statistics.npz"):
        make(copy, **OPTIONS)
