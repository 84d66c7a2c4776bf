import pytest

import tfrecords
from tests.tfrecords.conftest import FEW, LATIN
from tfrecords.dataset.folder_names import check_folder_name, check_model_folder
from tfrecords.errors import DatasetError
from tfrecords.plain_text import printable


@pytest.mark.parametrize("name", ["a*", "a?", "[ab]", "a[b", "a\\b", "\udcff"])
def test_folders_that_tensorflow_cannot_load_from_are_refused(tmp_path, name):
    for folder in (tmp_path / name, tmp_path / name / "below"):
        with pytest.raises(DatasetError) as refusal:
            check_model_folder(folder)
        assert printable(folder) in str(refusal.value)


@pytest.mark.parametrize("name", ["a]b", "a{b,c}", "ä b", "a\nb", "a:b", "~a", "a@2"])
def test_other_folders_are_not(tmp_path, name):
    check_model_folder(tmp_path / name)


def test_a_relative_folder_is_judged_by_its_whole_path(tmp_path, monkeypatch):
    (tmp_path / "[x]").mkdir()
    monkeypatch.chdir(tmp_path / "[x]")
    with pytest.raises(DatasetError, match="file pattern"):
        check_model_folder("model")


def test_a_dataset_folder_must_be_utf8(tmp_path):
    folder = tmp_path / "\udcff"
    check_folder_name(tmp_path / "[*?]\\")
    with pytest.raises(DatasetError, match="path is UTF-8"):
        tfrecords.Manifest.load(folder)
    with pytest.raises(DatasetError, match="path is UTF-8"):
        tfrecords.build("digits", folder)
    assert not folder.exists()


def test_a_dataset_folder_of_other_bytes_is_refused_at_the_start(tree, tmp_path):
    out = tmp_path / LATIN / "out"
    with pytest.raises(DatasetError, match=r"caf\\xe9"):
        tfrecords.build(tree, out, progress=False, **FEW)
    assert not out.parent.exists()
