import pytest

from keras_alexnet.commands.predict import list_pictures
from tests.tfrecords.conftest import fill
from tfrecords.sources import open_source

SIDECARS = (
    "a.jpg.json a.JPG.xmp a.xmp a.aae a.txt a.json a.jpg.supplemental-metadata.json "
    "A.THM a.mov"
).split()


def test_files_beside_a_picture_of_their_name_are_no_pictures(tmp_path):
    fill(tmp_path, "x/a.jpg", "y/b.jpg", *(f"x/{name}" for name in SIDECARS))
    source = open_source(tmp_path)
    assert [s.key for s in source.samples] == ["x/a.jpg", "y/b.jpg"]
    assert {i.file for i in source.ignored} == {f"x/{name}" for name in SIDECARS}
    assert all("beside it" in i.reason for i in source.ignored)
    assert [path.name for path in list_pictures([tmp_path])] == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize("name", ["b.txt", "a.png", "a", "ab.json"])
def test_what_has_no_picture_of_its_name_beside_it_is_left_to_its_content(
    tmp_path, name
):
    fill(tmp_path, "x/a.jpg", "y/b.jpg", f"x/{name}")
    assert f"x/{name}" in [s.key for s in open_source(tmp_path).samples]
