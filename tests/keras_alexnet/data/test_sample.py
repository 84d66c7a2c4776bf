import numpy as np
import pytest

from keras_alexnet.data import eval_dataset
from keras_alexnet.data.sample import sample_classes, sample_views
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


def test_each_class_has_its_stored_pictures(dataset):
    manifest = Manifest.load(dataset)
    counts = manifest.class_counts["train"]
    options = {"split": "train", "classes": (2, 0), "seed": 3}
    found = sample_classes(dataset, count=100, **options)
    assert [*found] == [2, 0]
    sizes = {"split": "train", "input_size": small.STORED}
    images, labels = sample_views(dataset, count=100, seed=1, **sizes)
    for label, pictures in found.items():
        assert pictures.shape == (counts[label], small.STORED, small.STORED, 3)
        own = [label] * len(pictures)
        assert rows(pictures, own) == rows(images[labels == label], own)


def test_the_seed_draws_the_pictures_of_a_class(dataset):
    draws = [
        sample_classes(dataset, split="train", classes=[1], count=2, seed=seed)[1]
        for seed in (0, 0, 1, 2, 3)
    ]
    assert all(len(pictures) == 2 for pictures in draws)
    assert (draws[0] == draws[1]).all()
    assert any((each != draws[0]).any() for each in draws[2:])


def test_a_class_without_pictures_has_none(dataset):
    found = sample_classes(dataset, split="train", classes=[7], count=2, seed=0)
    assert found[7].shape == (0, small.STORED, small.STORED, 3)
