import pytest

from keras_alexnet.evaluation.class_lookup import ClassLookup
from tests import small
from tfrecords import Manifest
from tfrecords.errors import UserError

SYNSETS = ("n01440764", "n02012849", "n03126707")
WORDS = ("tench, Tinca tinca", "crane", "crane, lifter")


@pytest.fixture
def birds():
    return ClassLookup(SYNSETS, SYNSETS, WORDS)


def test_a_class_is_found_by_id_word_and_number(birds):
    for name in ("n01440764", "tench, Tinca tinca", "tench", "0"):
        assert birds.find(name) == 0
    assert birds.find("crane, lifter") == birds.find("2") == 2
    assert birds.label(1, "a file") == birds.label("n02012849", "a file") == 1


def test_a_word_of_two_classes_is_no_name_but_in_full(birds):
    assert birds.find("crane") == 1  # all that the first is called
    assert birds.shown == ["tench", "n02012849", "n03126707"]
    both = ClassLookup(SYNSETS, SYNSETS, ("tench", "crane, bird", "crane, lifter"))
    assert both.find("crane") is None and both.find("crane, bird") == 1


@pytest.mark.parametrize("key", ["gull", "", "3", "-1", 3, -1, True, 1.0, None, []])
def test_what_is_no_class_is_refused(birds, key):
    with pytest.raises(UserError, match="in f.json, by name.* 0 to 2; got"):
        birds.label(key, "f.json")


def test_numbers_that_are_names_are_not_labels():
    years = ClassLookup(("1998", "2012"))
    assert years.find("2012") == 1 and years.find("1") is None
    assert years.label(1, "a file") == 1
    assert years.shown == ["1998", "2012"]


def test_a_dataset_without_words_shows_its_names(dataset):
    found = ClassLookup.of(Manifest.load(dataset))
    assert found.labels == found.shown == list(small.CLASSES)
    assert [found.find(name) for name in small.CLASSES] == [0, 1, 2]
