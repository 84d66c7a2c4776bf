import pytest

from keras_alexnet.commands.predict import list_pictures
from tests.tfrecords.conftest import fill
from tfrecords.sources import open_source

FOLDERS = (
    "@eaDir __MACOSX #recycle @Recycle @Recently-Snapshot #snapshot $RECYCLE.BIN "
    ".Trashes .thumbnails .ipynb_checkpoints .AppleDouble .@__thumb lost+found"
).split() + ["System Volume Information"]


FILES = (
    "Thumbs.db thumbs.DB ehthumbs.db desktop.ini Desktop.ini ._1.jpg .DS_Store "
    ".picasa.ini Picasa.ini ZbThumbnail.info SYNOFILE_THUMB_1.jpg "
    "1.jpg:Zone.Identifier metadata.json"
).split()


@pytest.fixture(scope="module")
def cluttered(tmp_path_factory):
    """Two classes, with clutter on top, in a class and deep in a class."""
    root = tmp_path_factory.mktemp("cluttered")
    for place in ("", "cat/", "cat/deep/"):
        fill(root, *(f"{place}{name}/1.jpg" for name in FOLDERS))
        fill(root, *(f"{place}{name}" for name in FILES))
    return fill(root, "cat/1.jpg", "cat/deep/2.jpg", "dog/1.jpg")


def test_systems_folders_and_files_are_passed_over_wherever_they_lie(cluttered):
    source = open_source(cluttered)
    assert source.labels == ("cat", "dog")
    assert [s.key for s in source.samples] == [
        "cat/1.jpg",
        "cat/deep/2.jpg",
        "dog/1.jpg",
    ]
    listed = {ignored.file for ignored in source.ignored}
    for place in ("", "cat/", "cat/deep/"):
        assert {f"{place}{name}/" for name in FOLDERS} <= listed
        assert {f"{place}{name}" for name in FILES} <= listed


def test_predict_takes_what_build_takes(cluttered):
    found = [
        path.relative_to(cluttered).as_posix() for path in list_pictures([cluttered])
    ]
    assert found == [s.key for s in open_source(cluttered).samples]


def test_predict_takes_what_is_named(cluttered):
    named = [cluttered / "cat" / "Thumbs.db", cluttered / ".DS_Store"]
    assert list(list_pictures(named)) == named
    hidden = cluttered / "@eaDir"
    assert list(list_pictures([hidden])) == [hidden / "1.jpg"]
