import pytest

from tfrecords.sources.split_names import SPLIT_FOLDERS, split_of

SPELLINGS = {
    "train": "train training Train TRAIN train_images train-images images_train "
    "trainset train_set train2012 training_set tr TrainImages 01_train trainval "
    "train.data",
    "validation": "val valid validation Val val_images images-val dev eval valset "
    "ValidationData val2017 validation_set",
    "test": "test testing Test test_images TestSet test_set imgs_test te",
}


@pytest.mark.parametrize(
    ("name", "split"),
    [(name, split) for split, names in SPELLINGS.items() for name in names.split()],
)
def test_people_spell_splits_in_many_ways(name, split):
    assert split_of(name) == split
    assert split_of(name, earlier=True) == SPLIT_FOLDERS.get(name.lower())


@pytest.mark.parametrize(
    "name",
    "trains trainer vallhund valley evaluate tested images data 2012 cat intestine "
    "test_tube train_station".split(),
)
def test_other_words_are_no_splits(name):
    assert split_of(name) is None
