"""Names are looked up late, and what is not there is told with what is."""

import pytest

from keras_alexnet.registry import Registry, hand_on
from tfrecords import DatasetError

NAMES = Registry("number", {"pi": "math:pi", "tau": "math:tau"})


def test_an_entry_is_what_its_module_has():
    assert NAMES["tau"] == 2 * NAMES["pi"]


def test_the_order_is_that_of_the_entries():
    assert list(NAMES) == ["pi", "tau"] and len(NAMES) == 2
    assert "pi" in NAMES and "e" not in NAMES


def test_an_unknown_name_is_told_with_those_there_are():
    with pytest.raises(DatasetError, match="Unknown number 'e'.*one of: pi, tau"):
        NAMES["e"]


def test_nothing_is_imported_before_it_is_asked_for():
    late = Registry("thing", {"there": "no.such_module:thing"})
    assert list(late) == ["there"]
    with pytest.raises(ModuleNotFoundError):
        late["there"]


def test_a_package_hands_on_names_and_modules():
    get, names = hand_on("json", {"pi": "math", "decoder": ""})
    assert get("pi") == NAMES["pi"]
    assert get("decoder").__name__ == "json.decoder"
    assert names() == ["decoder", "pi"]
    with pytest.raises(AttributeError, match="module 'json' has no attribute 'e'"):
        get("e")
