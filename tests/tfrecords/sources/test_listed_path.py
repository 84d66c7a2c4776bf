"""Paths and marks as tables of other programs and systems have them."""

import codecs
import unicodedata

import pytest

from keras_alexnet.commands.build import _classes
from tests.tfrecords.sources.test_init import fill
from tfrecords import DatasetError
from tfrecords.sources import open_source
from tfrecords.sources.listed_path import listed_path
from tfrecords.sources.selection import select

MARKS = {
    "none": ("utf-8", b""),
    "UTF-8": ("utf-8", codecs.BOM_UTF8),
    "UTF-16 LE": ("utf-16-le", codecs.BOM_UTF16_LE),
    "UTF-16 BE": ("utf-16-be", codecs.BOM_UTF16_BE),
}


@pytest.fixture(params=MARKS.values(), ids=MARKS)
def write(request):
    """Write text as programs do that put a byte order mark before it."""
    encoding, mark = request.param

    def write(path, text):
        path.write_bytes(mark + text.encode(encoding))
        return path

    return write


def table(root, *paths, labels="ab"):
    rows = (f"{p},{labels[i % len(labels)]}" for i, p in enumerate(paths))
    (root / "a.csv").write_text("\n".join(["path,label", *rows]))
    return open_source(root / "a.csv")


@pytest.fixture
def root(tmp_path):
    return fill(tmp_path / "in", "x/1.jpg", "y/2.jpg")


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


def test_labels_in_two_unicode_forms_are_one_class(root):
    fill(root, "3.jpg")
    forms = [unicodedata.normalize(form, "caf\u00e9") for form in ("NFC", "NFD")]
    source = table(root, "x/1.jpg", "y/2.jpg", "3.jpg", labels=[*forms, "b"])
    assert source.labels == ("b", forms[0])


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([f"{n}.0" for n in range(12)], [str(n) for n in range(12)]),
        (["0.0", "1.0", "10.0"], ["0", "1", "10"]),
        (["1", "2.0", "10.00"], ["1", "2", "10"]),
        (["-1.0", "1.0"], ["-1", "1"]),
        (["0.5", "10.5", "2.5"], ["0.5", "2.5", "10.5"]),
        (["1.0", "10.0", "two"], ["1.0", "10.0", "two"]),
    ],
)
def test_numbers_of_a_table_are_numbers(tmp_path, labels, expected):
    paths = [f"{i}.jpg" for i in range(len(labels))]
    source = table(fill(tmp_path, *paths), *paths, labels=labels)
    assert list(source.labels) == expected
    found = {s.key: source.labels[s.label] for s in source.samples}
    for path, label in zip(paths, labels, strict=True):
        try:
            assert float(found[path]) == float(label)
        except ValueError:
            assert found[path] == label


def test_a_byte_order_mark_is_no_character(root, tmp_path, write):
    write(root / "a.csv", "path,label\nx/1.jpg,é\ny/2.jpg,b\n")
    source = open_source(root / "a.csv")
    assert source.labels == ("b", "é")
    exclude = write(tmp_path / "exclude.txt", "1.jpg\n")
    assert [s.key for s in select(source, exclude=exclude).samples] == ["y/2.jpg"]
    relabel = write(tmp_path / "relabel.csv", "file,label\n2.jpg,é\n")
    assert {s.label for s in select(source, relabel=relabel).samples} == {1}
    names = write(tmp_path / "names.txt", "é\r\nb\r\n")
    assert _classes([str(names)]) == ("é", "b")
    write(root / "train.txt", "x/1.jpg 0\ny/2.jpg 1\n")
    (root / "a.csv").unlink()
    listed = open_source(root)
    assert (listed.kind, listed.labels) == ("list", ("x", "y"))


def test_choices_may_be_in_another_form(tmp_path):
    apart = unicodedata.normalize("NFD", "café")
    source = open_source(fill(tmp_path, f"{apart}/é.jpg", "b/1.jpg"))
    assert select(source, classes=["café"]).labels == (apart,)
    path = tmp_path / "exclude.txt"
    path.write_text(f"{apart}\\é.jpg\n")
    assert [s.key for s in select(source, exclude=path).samples] == ["b/1.jpg"]


@pytest.mark.parametrize("split", ["Train", "train_set", "val_images", "dev", "TEST"])
def test_the_splits_of_a_table_may_be_spelled_as_folders_are(root, split):
    (root / "a.csv").write_text(f"path,label,split\nx/1.jpg,a,{split}\n")
    expected = {"t": "train", "v": "validation", "d": "validation", "T": "train"}
    (sample,) = open_source(root / "a.csv").samples
    assert sample.split == ("test" if split == "TEST" else expected[split[0]])
