import shutil

import pytest

from keras_alexnet.trained.class_names import check_names, load_labels
from tests import small
from tfrecords.errors import UserError


def test_names_are_read_in_order(run):
    assert load_labels(run) == [*small.CLASSES]


def test_a_folder_without_names_is_told_where_they_are(run, tmp_path):
    with pytest.raises(UserError, match="labels.txt, found no such file. Copy it"):
        load_labels(tmp_path)
    shutil.copy(run / "labels.txt", tmp_path)
    check_names(tmp_path, load_labels(tmp_path), len(small.CLASSES))
    with pytest.raises(UserError, match="Expected 4 names in .*, found 3"):
        check_names(tmp_path, load_labels(tmp_path), 4)
