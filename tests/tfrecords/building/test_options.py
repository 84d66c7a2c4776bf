import pytest

from tests.tfrecords.building.conftest import build
from tfrecords import DatasetError


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "My-Set"}, "small letters"),
        ({"max_rejected": 2}, "max_rejected from 0 to 1"),
        ({"quality": 101}, "quality from 1 to 100"),
        ({"processes": 0}, "at least 1 process"),
        ({"encoding": "bmp"}, "encoding to be one of"),
        ({"beam_options": ["a=1"]}, "Expected a --runner"),
        ({"runner": "DirectRunner"}, "--processes or --runner, got both"),
    ],
)
def test_wrong_options_are_one_clear_line(good_tree, tmp_path, options, words):
    with pytest.raises(DatasetError, match=words):
        build(good_tree, tmp_path / "out", **options)
