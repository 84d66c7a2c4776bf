import pytest

from tests.tfrecords.sources.conftest import changed, replace_text
from tfrecords import DatasetError
from tfrecords.sources import open_source
from tfrecords.sources.ilsvrc import facts


def test_a_kaggle_table_that_disagrees_is_an_error(forms, tmp_path):
    kaggle = changed(forms, "kaggle", tmp_path)
    answer = facts.validation_synsets()[0]
    other = facts.synsets()[facts.synsets().index(answer) - 1]
    replace_text(kaggle / "LOC_val_solution.csv", answer, other)
    with pytest.raises(DatasetError, match="ILSVRC2012_val_00000001.JPEG into"):
        open_source(kaggle)


def test_kaggles_test_pictures_are_passed_over_with_a_reason(forms, tmp_path):
    kaggle = changed(forms, "kaggle", tmp_path)
    pictures = kaggle / "ILSVRC/Data/CLS-LOC"
    (pictures / "test").mkdir()
    (pictures / "test/ILSVRC2012_test_00000001.JPEG").write_bytes(b"x")
    (pictures / "val/stray.txt").write_bytes(b"x")
    reasons = {i.file: i.reason for i in open_source(kaggle).ignored}
    assert reasons == {
        "test/": "it has no labels",
        "val/stray.txt": "not named as a validation picture of ILSVRC-2012",
    }
    assert open_source(kaggle / "ILSVRC").samples == open_source(kaggle).samples
