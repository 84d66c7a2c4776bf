import json

import numpy as np
import pytest

from keras_alexnet.trained.card import (
    MOST_CARD,
    NetworkCard,
    card_arrays,
    card_text,
    read_card,
)
from keras_alexnet.trained.config_file import NetworkConfig
from keras_alexnet.trained.folder import open_network
from tfrecords.errors import UserError

SOURCE = {"name": "run", "sha256": "0" * 64}


@pytest.fixture(scope="module")
def card(run):
    _, labels, config, statistics = open_network(run)
    return NetworkCard(labels, config, statistics, SOURCE)


def test_a_card_is_read_as_it_was_written(card):
    assert card.config.control is not None
    found = read_card(card_text(card), card_arrays(card), "x")
    assert found.labels == card.labels and found.source == SOURCE
    assert found.config.preset == card.config.preset
    assert found.config.preprocessing == card.config.preprocessing
    assert found.config.control is None
    for name, array in vars(card.statistics).items():
        other = getattr(found.statistics, name)
        assert type(other) is type(array)
        np.testing.assert_array_equal(other, array)


@pytest.mark.parametrize(
    ("mean", "array"),
    [
        ("image", "statistics.mean_image"),
        ("channel", "statistics.channel_means"),
        ("none", None),
    ],
)
def test_it_names_what_is_subtracted(card, mean, array):
    facts = {**card.config.preprocessing, "mean": mean}
    other = card._replace(config=NetworkConfig(card.config.preset, facts))
    assert json.loads(card_text(other))["mean"] == array
    found = read_card(card_text(other), card_arrays(card), "x")
    assert found.config.preprocessing == facts


def test_class_names_have_a_limit(card):
    longest = card._replace(labels=["x" * MOST_CARD])
    with pytest.raises(UserError, match="class names|names of the classes|classes"):
        card_text(longest)


@pytest.mark.parametrize(
    ("section", "fields"),
    [
        ("preprocessing", {"stored_size": 71}),
        ("preprocessing", {"stored_size": 72.0}),
        ("preprocessing", {"stored_size": 2**40}),
        ("preprocessing", {"input_size": 73}),
        ("preprocessing", {"input_size": 60}),
        ("preprocessing", {"input_size": None}),
        ("preprocessing", {"resize_filter": "clay"}),
        ("preprocessing", {"resize_filter": []}),
        ("preprocessing", {"apply_exif": "yes"}),
        ("preprocessing", {"mean": "median"}),
        ("preprocessing", {"mean": []}),
        ("preprocessing", {"mean_at": "left"}),
        ("preprocessing", {"resize": "melt"}),
        ("network", {"filters": [1, 2]}),
        ("network", {"input_size": "a"}),
        ("network", {"colour": 3}),
        ("recipe", {"epochs": "many"}),
        ("", {"format": 3}),
        ("", {"labels": "abc"}),
        ("", {"labels": [1, 2, 3]}),
        ("", {"labels": ["a\nb", "c", "d"]}),
        ("", {"labels": ["", "c", "d"]}),
        ("", {"source": None}),
        ("", {"preset": []}),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(card, section, fields):
    document = json.loads(card_text(card))
    (document[section] if section else document).update(fields)
    with pytest.raises(UserError, match="in the file, found a damaged one") as error:
        read_card(json.dumps(document), card_arrays(card), "the file")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "{}", "[" * 100_000])
def test_other_json_is_no_card(card, text):
    with pytest.raises(UserError, match="found a damaged one"):
        read_card(text, card_arrays(card), "x")


def test_the_statistics_are_whole(card):
    text, arrays = card_text(card), card_arrays(card)
    some = {n: x for n, x in arrays.items() if "count" not in n}
    image = "statistics.mean_image"
    odd = {**arrays, image: arrays[image][:, :40]}
    endless = {**arrays, image: arrays[image] * np.inf}
    wide = {**arrays, image: arrays[image].astype("float64")}
    more = {**arrays, "statistics.x": np.ones(1)}
    for other in (some, odd, endless, wide, more, {}):
        with pytest.raises(UserError, match="found a damaged one"):
            read_card(text, other, "x")
