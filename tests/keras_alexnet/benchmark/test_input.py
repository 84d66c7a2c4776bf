import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.benchmark import input as input_
from keras_alexnet.benchmark.input import InputOptions
from keras_alexnet.data import picture_cache
from tests import small
from tfrecords.errors import UserError


@pytest.fixture(autouse=True)
def any_core(monkeypatch):
    """Leave this process on its cores."""
    monkeypatch.setattr(input_, "use_one_core", lambda: None)
    monkeypatch.setattr(input_, "PICTURES", 16)


def test_the_pipeline_is_measured_beside_bare_decoding(dataset):
    options = InputOptions(dataset, batch_size=4, input_size=small.INPUT, rounds=1)
    record = input_.measure(options)
    rates = {figure.name: figure.value for figure in record.figures}
    for other in ("libjpeg", "Pillow"):
        share = 100 * rates["pipeline"] / rates[other]
        assert rates[f"pipeline over {other}"] == pytest.approx(share)
    assert record.options["data"] == "data"  # and not where it lies


def test_a_cache_is_filled_and_measured(dataset, monkeypatch):
    sizes = {"batch_size": 4, "input_size": small.INPUT, "rounds": 1}
    monkeypatch.setattr(picture_cache, "free_memory", lambda: None)  # whatever is
    record = input_.measure(InputOptions(dataset, cache=True, **sizes))
    assert record.figures[-1].name == "filling the cache"
    assert all(figure.value > 0 for figure in record.figures)
    monkeypatch.setattr(picture_cache, "free_memory", lambda: 0)
    with pytest.raises(UserError, match="memory for --cache"):
        input_.measure(InputOptions(dataset, cache=True, **sizes))


def test_streams_are_as_training_reads_them_or_floats(dataset):
    sizes = {"batch_size": 4, "input_size": small.INPUT}
    crops, _ = next(iter(input_.endless_batches(dataset, **sizes)))
    assert not tf.is_tensor(crops)
    assert np.uint8 in [leaf.dtype for leaf in tf.nest.flatten(crops)]
    images, _ = next(iter(input_.endless_batches(dataset, **sizes, floats=True)))
    assert images.dtype == np.float32 and images.shape == (4, *2 * [small.INPUT], 3)


def test_a_stream_is_its_own_and_gone_at_the_end():
    taken = []

    class Batches:
        def __iter__(self):
            for number in range(100):
                taken.append(number)
                yield number

    work = input_.taking(Batches(), 3)
    for _ in range(2):
        assert work.seconds() >= 0
    assert taken == 2 * [0, 1, 2, 3]


def test_both_decoders_give_the_picture():
    pixels = small.picture(0, 0)
    encoded = small.encode(pixels)
    for decode in (input_.libjpeg, input_.pillow):
        assert np.abs(np.asarray(decode(encoded), int) - pixels).mean() < 3
