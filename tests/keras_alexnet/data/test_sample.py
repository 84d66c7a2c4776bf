import numpy as np
import pytest

from keras_alexnet.data import eval_dataset
from keras_alexnet.data.sample import sample_views
from tests import small
from tfrecords import DatasetError, Manifest


def rows(images, labels):
    pairs = zip(labels, images, strict=True)
    return sorted((int(label), image.tobytes()) for label, image in pairs)


def test_all_of_a_split_are_its_central_views(dataset):
    count = Manifest.load(dataset).count("train")
    sizes = {"split": "train", "input_size": small.INPUT}
    images, labels = sample_views(dataset, count=10 * count, seed=1, **sizes)
    assert images.dtype == np.uint8 and len(images) == len(labels) == count
    (expected,) = eval_dataset(dataset, batch_size=count, mean="channel", **sizes)
    colours = np.load(dataset / "statistics.npz")["channel_means"]
    whole = np.rint(expected[0].numpy() + colours).astype(np.uint8)
    assert rows(images, labels) == rows(whole, expected[1].numpy())


def test_the_seed_chooses_the_same_ones_each_time(other):
    data = other(shards=6)
    draws = [
        sample_views(data, split="train", count=4, seed=seed, input_size=small.INPUT)
        for seed in (1, 1, *range(2, 8))
    ]
    chosen = [rows(*draw) for draw in draws]
    assert len(chosen[0]) == 4 and chosen[0] == chosen[1]
    assert any(each != chosen[0] for each in chosen[2:])


def test_a_split_that_is_not_there_is_named(dataset):
    with pytest.raises(DatasetError, match="a split 'none'"):
        sample_views(dataset, split="none", count=1, seed=0, input_size=small.INPUT)
