"""Paths and marks as tables of other programs and systems have them."""

import unicodedata

import pytest

from tests.small import encode, picture
from tests.tfrecords.conftest import LATIN, fill
from tfrecords import DatasetError
from tfrecords.sources import open_source
from tfrecords.sources.listed_path import listed_path


def table(root, *paths, labels="ab"):
    rows = (f"{p},{labels[i % len(labels)]}" for i, p in enumerate(paths))
    (root / "a.csv").write_text("\n".join(["path,label", *rows]))
    return open_source(root / "a.csv")


def test_absolute_paths_below_the_table_are_taken(root):
    assert table(root, root / "x/1.jpg", "y/2.jpg").samples == (
        table(root, "x/1.jpg", "y/2.jpg").samples
    )


def test_absolute_paths_by_way_of_a_link_are_taken(root, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(root)
    source = table(root, link / "x/1.jpg", link / "y/2.jpg")
    assert [s.key for s in source.samples] == ["x/1.jpg", "y/2.jpg"]
    (root / "a.csv").write_text(f"path,label\n{link}/x/1.jpg,a\n{link}/y/2.jpg,b\n")
    assert open_source(link / "a.csv").samples == source.samples


@pytest.mark.parametrize("path", ["/elsewhere/1.jpg", "../1.jpg", r"C:\x\1.jpg", "."])
def test_paths_that_lead_out_are_named_with_their_line(root, path):
    with pytest.raises(DatasetError, match="line 3 of .*folder above the pictures"):
        table(root, "x/1.jpg", path)


def test_backslashes_are_slashes_unless_a_name_has_one(root):
    assert table(root, r"x\1.jpg", r".\y\2.jpg").samples == (
        table(root, "x/1.jpg", "y/2.jpg").samples
    )
    fill(root, "x\\1.jpg")
    keys = [s.key for s in table(root, r"x\1.jpg", "y/2.jpg").samples]
    assert keys == [r"x\1.jpg", "y/2.jpg"]
    assert listed_path(r"..\1.jpg", root) is None


def test_lists_take_the_same_paths(root):
    fill(root, "train/a/1.jpg", "train/b/2.jpg")
    expected = ["train/a/1.jpg", "train/b/2.jpg"]
    for lines in ("a\\1.jpg 0\nb\\2.jpg 1\n", f"{root}/{expected[0]} 0\n"):
        (root / "train.txt").write_text(lines)
        found = [s.key for s in open_source(root / "train.txt").samples]
        assert found == expected[: len(found)] and found
    (root / "train.txt").write_text(f"{root.parent}/1.jpg 0\n")
    with pytest.raises(DatasetError, match="line 1 of"):
        open_source(root / "train.txt")


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_path_in_another_unicode_form_is_found(tmp_path, form):
    name = unicodedata.normalize(form, "caf\u00e9.jpg")
    fill(tmp_path, name, "b.jpg")
    for listed in ("NFC", "NFD"):
        source = table(tmp_path, unicodedata.normalize(listed, name), "b.jpg")
        assert {s.key for s in source.samples} == {name, "b.jpg"}


@pytest.mark.parametrize("kind", ["csv", "list"])
def test_tables_and_lists_name_files_of_any_bytes(tmp_path, kind):
    for label, name in enumerate((LATIN, "b")):
        (tmp_path / f"{name}.jpg").write_bytes(encode(picture(label, 0)))
    if kind == "csv":
        path = tmp_path / "a.csv"
        path.write_bytes(b"path,label\ncaf\xe9.jpg,a\nb.jpg,b\n")
    else:
        path = tmp_path / "train.txt"
        path.write_bytes(b"caf\xe9.jpg 0\nb.jpg 1\n")
    source = open_source(path)
    assert {s.key for s in source.samples} == {f"{LATIN}.jpg", "b.jpg"}
    assert all(s.size for s in source.samples)


@pytest.mark.parametrize("name", ["@eaDir/1.jpg/t.jpg", "cat/Thumbs.db", "cat/._1.jpg"])
def test_tables_and_lists_that_name_them_do_not_bring_them_in(tmp_path, name):
    fill(tmp_path, "cat/1.jpg", "dog/1.jpg", name)
    (tmp_path / "a.csv").write_text(f"path,label\ncat/1.jpg,c\ndog/1.jpg,d\n{name},c\n")
    (tmp_path / "train.txt").write_text(f"cat/1.jpg 0\ndog/1.jpg 1\n{name} 0\n")
    for source in (open_source(tmp_path / "a.csv"), open_source(tmp_path)):
        assert [s.key for s in source.samples] == ["cat/1.jpg", "dog/1.jpg"]
        assert [i.file for i in source.ignored] == [name]
