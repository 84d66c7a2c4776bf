import pytest

from tests.tfrecords.sources.conftest import SIZES
from tfrecords import DatasetError
from tfrecords.sources import open_source
from tfrecords.sources.ilsvrc import facts


def test_the_answers_are_those_of_the_packages(forms):
    source = open_source(forms / "tars")
    found = [s for s in source.samples if s.split == "validation"]
    assert len(found) == SIZES[1]
    for number, sample in enumerate(found, 1):
        assert sample.key == f"val/ILSVRC2012_val_{number:08d}.JPEG"
        expected = facts.validation_synsets()[number - 1]
        assert source.labels[sample.label] == expected


def test_the_packages_are_checked_against_each_other(monkeypatch):
    assert len(facts.synsets()) == 1000
    assert list(facts.synsets()) == sorted(facts.synsets())
    assert len(facts.validation_synsets()) == 50_000
    swapped = list(facts.synsets())
    swapped[3], swapped[4] = swapped[4], swapped[3]
    monkeypatch.setattr(facts, "synsets", lambda: tuple(swapped))
    with pytest.raises(DatasetError, match="disagree on ILSVRC2012_val_"):
        facts.validation_synsets.__wrapped__()


def test_the_validation_labels_are_balanced_and_begin_as_published():
    answers = facts.validation_synsets()
    assert {answers.count(name) for name in facts.synsets()[::100]} == {50}
    # The first lines of Caffe's val.txt: 65, 970, 230, 809, 516.
    labels = [facts.synsets().index(name) for name in answers[:5]]
    assert labels == [65, 970, 230, 809, 516]
