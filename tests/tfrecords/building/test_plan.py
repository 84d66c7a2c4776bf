from collections import Counter

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from tfrecords import DatasetError
from tfrecords.building.plan import make_plan
from tfrecords.images.options import ImageOptions
from tfrecords.sources.sample import BytesOrigin, Sample, Source


def source_of(counts, split=None, **options):
    samples = [
        Sample(f"{label}/{i}", label, split, 1, BytesOrigin(b"x"))
        for label, count in enumerate(counts)
        for i in range(count)
    ]
    labels = tuple(str(label) for label in range(len(counts)))
    return Source("folder", "name", "/x", labels, tuple(samples), **options)


def plan_of(source, **options):
    options = {"name": "name", "seed": 0, "images": ImageOptions(), **options}
    return make_plan(source, **options)


def keys(plan, split=None):
    return [
        sample.key
        for shard in plan.shards
        if split in (None, shard.split)
        for sample in shard.samples
    ]


@seed(7)
@settings(max_examples=60, deadline=None, database=None)
@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=5),
    st.sampled_from([0.0, 0.1, 0.25, 0.5]),
    st.integers(1, 9),
    st.integers(0, 3),
)
def test_every_picture_is_in_exactly_one_shard(counts, fraction, shards, seed):
    source = source_of(counts)
    plan = plan_of(source, seed=seed, shards=shards, validation_fraction=fraction)
    assert sorted(keys(plan)) == sorted(sample.key for sample in source.samples)
    assert plan.total == sum(counts)
    train = Counter(key.split("/")[0] for key in keys(plan, "train"))
    assert all(train[str(label)] >= 1 for label in range(len(counts)))
    for split in plan.splits:
        sizes = [len(shard.samples) for shard in plan.shards if shard.split == split]
        assert max(sizes) - min(sizes) <= 1 and len(sizes) <= shards


def test_splits_are_stratified():
    plan = plan_of(source_of([100, 50]), validation_fraction=0.1, test_fraction=0.2)
    for split, expected in [("train", (70, 35)), ("validation", (10, 5))]:
        found = Counter(key.split("/")[0] for key in keys(plan, split))
        assert (found["0"], found["1"]) == expected
    assert len(keys(plan, "test")) == 30


def test_small_classes_still_give_to_validation():
    plan = plan_of(source_of([1, 2, 4]), validation_fraction=0.1)
    found = Counter(key.split("/")[0] for key in keys(plan, "validation"))
    assert found == {"1": 1, "2": 1}


def test_classes_are_mixed_by_the_shuffle():
    first = plan_of(source_of([500, 500]), shards=10).shards[0]
    labels = [sample.label for sample in first.samples]
    assert 25 < sum(labels) < 75
    assert labels != sorted(labels)


def test_the_order_never_changes_between_releases():
    plan = plan_of(source_of([5]), shards=1)
    assert keys(plan) == ["0/3", "0/2", "0/1", "0/0", "0/4"]


def test_seed_and_options_change_the_fingerprint():
    source = source_of([9, 9])
    prints = {
        plan_of(source).fingerprint,
        plan_of(source, seed=1).fingerprint,
        plan_of(source, shards=3).fingerprint,
        plan_of(source, images=ImageOptions(size=128)).fingerprint,
        plan_of(source, images=ImageOptions(resize="warp")).fingerprint,
        plan_of(source, name="other").fingerprint,
        plan_of(source_of([9, 8])).fingerprint,
    }
    assert len(prints) == 7
    assert plan_of(source).fingerprint == plan_of(source_of([9, 9])).fingerprint


def test_the_fingerprint_never_changes_between_releases():
    """Or a folder that an earlier one has finished would be another plan's."""
    plan = plan_of(source_of([9, 9]))
    assert plan.fingerprint == (
        "ae7f04c3d3f25eb64a5a85af9f7be80c1876ae26bce1275de845dc2b0e464a44"
    )
    assert "resize" not in plan.options


def test_shards_follow_the_intended_size_but_give_readers_work():
    def shards(pictures, **options):
        return len(plan_of(source_of([pictures]), **options).shards)

    assert shards(10) == 1
    assert shards(64 * 5) == 5
    assert shards(20_000) == 16
    assert shards(20_000, shard_size_mb=10) == 79  # 20,000 * 256^2 * 0.6 / 10^7
    assert shards(3, shards=8) == 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"validation_fraction": 1.0}, "leave some for training"),
        ({"test_fraction": -0.1}, "at least 0"),
        ({"shards": 0}, "at least 1 shard"),
        ({"shard_size_mb": 0}, "positive shard size"),
        ({"seed": -1}, "seed"),
    ],
)
def test_wrong_options_are_one_clear_line(options, words):
    with pytest.raises(DatasetError, match=words):
        plan_of(source_of([9]), **options)


def test_a_split_that_is_there_is_not_made_again():
    with pytest.raises(DatasetError, match="validation folder already"):
        plan_of(source_of([9], "validation"), validation_fraction=0.1)
