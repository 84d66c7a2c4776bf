import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.data import evaluation_batches, picture_cache, training_batches
from keras_alexnet.training.devices.plan import ONE_DEVICE
from keras_alexnet.training.run_dataset import RunDataset
from keras_alexnet.training.streams import (
    training_cache,
    training_stream,
    validation_stream,
)
from tests import small

FROM_1_2 = {"epoch": 1, "step": 2, "last": 3}


@pytest.fixture(scope="module")
def read(dataset):
    return RunDataset.read(dataset)


def pixels(stream):
    return [(b.images.numpy(), b.offsets.numpy(), y.numpy()) for b, y in stream]


def assert_same(ours, others):
    assert len(ours) == len(others) > 0
    for mine, its in zip(ours, others, strict=True):
        for array, expected in zip(mine, its, strict=True):
            np.testing.assert_array_equal(array, expected)


@pytest.mark.parametrize("random_crop", [True, False])
def test_every_setting_of_the_recipe_reaches_the_stream(read, random_crop):
    fields = {"seed": 5, "flip": False, "crop_chunk": 4, "colour_noise": "eigenvalue"}
    fields["random_crop"] = random_crop
    preset = small.preset(**fields, batch_size=6)
    found = training_stream(preset, read, ONE_DEVICE, epoch=1, step=2, last=3)
    expected = training_batches(
        read.folder,
        batch_size=6,
        input_size=small.INPUT,
        epochs=3,
        first_epoch=1,
        first_step=2,
        **fields,
    )
    found = pixels(found)
    assert_same(found, pixels(expected))
    plain = training_stream(small.preset(batch_size=6), read, ONE_DEVICE, **FROM_1_2)
    assert not np.array_equal(found[0][0], pixels(plain)[0][0])


def test_a_cache_changes_no_batch_and_is_what_is_read(read, monkeypatch):
    monkeypatch.setattr(picture_cache, "free_memory", lambda: None)  # whatever is
    preset = small.preset(batch_size=6)
    cache = training_cache(preset, read)
    plain = pixels(training_stream(preset, read, ONE_DEVICE, **FROM_1_2))
    cached = training_stream(preset, read, ONE_DEVICE, **FROM_1_2, cache=cache)
    assert_same(pixels(cached), plain)
    cache.rows.assign(tf.zeros_like(cache.rows))
    assert not any(images.any() for images, *_ in pixels(cached))


def test_a_schedule_ends_the_colour_noise(read):
    preset = small.preset(schedule="released-2012")
    for epoch, noisy in ((66, True), (67, False)):
        stream = training_stream(
            preset, read, ONE_DEVICE, epoch=epoch, step=3, last=epoch + 1
        )
        ((_, offsets, _),) = pixels(stream)
        assert offsets.any() == noisy


def test_validation_is_every_picture_once_in_full_batches_and_a_rest(read):
    stream, steps = validation_stream(small.preset(), read, ONE_DEVICE)
    found = pixels(stream)
    assert [len(labels) for *_, labels in found] == [8, 4] and steps == 2
    expected = evaluation_batches(
        read.folder, split="validation", batch_size=8, input_size=small.INPUT
    )
    assert_same(found, pixels(expected))
