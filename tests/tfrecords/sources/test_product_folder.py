import pytest

from keras_alexnet.commands.predict import list_pictures
from tests.small import write_tree
from tests.tfrecords.conftest import fill
from tfrecords import DatasetError
from tfrecords.sources import open_source

PRODUCTS = {
    "dataset": ("manifest.json", "labels.txt"),
    "unfinished": (".building/plan.json", "x-train.tfrecord-00000-of-00001"),
    "run": ("config.json", "checkpoints/1/a"),
    "network": ("config.json", "network.keras"),
    "best": ("config.json", "best.keras"),
    "export": ("saved_model.pb", "variables/a"),
    "served": ("1/saved_model.pb", "1/variables/a"),
}


@pytest.mark.parametrize("files", PRODUCTS.values(), ids=PRODUCTS)
@pytest.mark.parametrize("place", ["mine", "cat/mine", "train"])
def test_our_own_folders_are_no_classes(tmp_path, files, place):
    fill(tmp_path, "cat/1.jpg", "dog/1.jpg", *(f"{place}/{name}" for name in files))
    source = open_source(tmp_path)
    assert source.labels == ("cat", "dog")
    assert len(source.samples) == 2
    assert [i.file for i in source.ignored] == [place]
    assert len(list(list_pictures([tmp_path]))) == 2


@pytest.mark.parametrize("kind", ["dataset", "run", "network", "export", "served"])
def test_our_own_folders_are_no_sources(tmp_path, kind):
    fill(tmp_path, *PRODUCTS[kind])
    with pytest.raises(DatasetError, match="folder|model"):
        open_source(tmp_path)
    assert open_source(write_tree(tmp_path / "t", 1)).labels
