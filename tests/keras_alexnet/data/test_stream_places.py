"""The training stream from any (epoch, step), and colour noise that ends."""

import numpy as np
import pytest

from keras_alexnet.data import Share, train_dataset
from tests import small

OPTIONS = {"batch_size": 8, "input_size": small.INPUT, "seed": 3, "crop_chunk": 4}
STEPS = 4  # of an epoch


def batches(dataset, **options):
    stream = train_dataset(dataset, **{**OPTIONS, **options})
    epochs = options["epochs"] - options.get("first_epoch", 0)
    # Of a share only what is there may be read.
    count = epochs * STEPS - options.get("first_step", 0)
    found = list(stream.take(count).as_numpy_iterator())
    assert len(found) == count
    return found


def assert_same(ours, others):
    assert len(ours) == len(others) > 0
    for one, other in zip(ours, others, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("epoch", "step"), [(0, 1), (0, 3), (1, 0), (1, 2)])
def test_a_stream_that_starts_within_an_epoch_is_the_end_of_the_whole(
    dataset, epoch, step
):
    whole = batches(dataset, epochs=3)
    rest = batches(dataset, epochs=3, first_epoch=epoch, first_step=step)
    assert_same(rest, whole[epoch * STEPS + step :])


def test_so_does_each_share_of_it(dataset):
    share = Share(1, 2, 2)
    whole = batches(dataset, epochs=2, share=share)
    rest = batches(dataset, epochs=2, first_step=3, share=share)
    assert_same(rest, whole[3:])


@pytest.mark.parametrize("form", ["released", "eigenvalue"])
def test_colour_noise_ends_at_its_epoch_and_so_does_the_division(dataset, form):
    ending = batches(dataset, epochs=3, colour_noise=form, colour_epochs=1)
    noisy = batches(dataset, epochs=3, colour_noise=form)
    plain = batches(dataset, epochs=3, colour_noise=None)
    assert_same(ending[:STEPS], noisy[:STEPS])
    assert_same(ending[STEPS:], plain[STEPS:])
    assert not np.array_equal(noisy[STEPS][0], plain[STEPS][0])
