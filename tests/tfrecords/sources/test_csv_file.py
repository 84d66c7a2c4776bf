import unicodedata

import pytest

from tests.tfrecords.conftest import fill
from tests.tfrecords.sources.test_listed_path import table
from tests.tfrecords.sources.test_lists import labelled
from tfrecords import DatasetError
from tfrecords.sources import Ignored, open_source


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_file_names_pictures_classes_and_splits(tmp_path, delimiter):
    fill(tmp_path, "in/1.jpg", "2.jpg", "3.jpg")
    rows = [
        ("Path", "label", "split"),
        ("in/1.jpg", '"a ""good"" dog"', "train"),
        ("2.jpg", "cat", "val"),
        ("3.jpg", "cat", "test"),
    ]
    text = "".join(delimiter.join(row) + "\r\n" for row in rows)
    path = tmp_path / "My labels.csv"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    source = open_source(path)
    assert (source.kind, source.name) == ("csv", "my_labels")
    assert labelled(source) == {
        "2.jpg": ("cat", "validation"),
        "3.jpg": ("cat", "test"),
        "in/1.jpg": ('a "good" dog', "train"),
    }
    assert (source.label_order, source.validation_fraction) == ("sorted_name", 0.0)


def test_a_csv_file_without_splits_leaves_them_to_the_plan(tmp_path):
    fill(tmp_path, *(f"{i}.jpg" for i in range(11)))
    lines = "".join(f"{i}.jpg,{i}\n" for i in range(11))
    (tmp_path / "a.csv").write_text("path,label\n" + lines)
    source = open_source(tmp_path / "a.csv")
    assert source.labels == tuple(str(i) for i in range(11))
    assert {s.split for s in source.samples} == {None}
    assert (source.label_order, source.validation_fraction) == ("numbers", 0.1)


def test_folders_that_a_csv_file_names_are_ignored(tmp_path):
    fill(tmp_path, "a/1.jpg")
    (tmp_path / "a.csv").write_text("path,label\na/1.jpg,x\na,x\n")
    ignored = open_source(tmp_path / "a.csv").ignored
    assert ignored == (Ignored("a", "not a regular file"),)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "columns path and label"),
        ("1.jpg,cat\n", "found 1.jpg, cat"),
        ("path,label\n", "found none"),
        ("path,label\n1.jpg\n", "line 2"),
        ("path,label\n,cat\n", "line 2"),
        ("path,label\n../1.jpg,cat\n", "line 2"),
        ("path,label,split\n1.jpg,cat,sometimes\n", "'sometimes'"),
        ("path,label\n9.jpg,cat\n", "not one is there"),
        ("path,label\n1.jpg,1\n1.jpg,3\n", "no 0"),
        ("path,label\n1.jpg,cat\n1.jpg,dog\n", "1.jpg twice"),
    ],
)
def test_wrong_csv_files_are_one_clear_line(tmp_path, text, words):
    fill(tmp_path, "1.jpg")
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DatasetError, match=words) as caught:
        open_source(tmp_path / "a.csv")
    assert "\n" not in str(caught.value)


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


@pytest.mark.parametrize("split", ["Train", "train_set", "val_images", "dev", "TEST"])
def test_the_splits_of_a_table_may_be_spelled_as_folders_are(root, split):
    (root / "a.csv").write_text(f"path,label,split\nx/1.jpg,a,{split}\n")
    expected = {"t": "train", "v": "validation", "d": "validation", "T": "train"}
    (sample,) = open_source(root / "a.csv").samples
    assert sample.split == ("test" if split == "TEST" else expected[split[0]])


@pytest.mark.parametrize("line", [b"b.jpg,caf\xe9", b"caf\xe9.jpg,b"])
def test_a_table_in_another_encoding_is_named_with_its_line(tmp_path, line):
    (tmp_path / "b.jpg").write_bytes(b"x")
    (tmp_path / "caf\u00e9.jpg").write_bytes(b"x")
    (tmp_path / "a.csv").write_bytes(b"path,label\nb.jpg,a\n" + line + b"\n")
    with pytest.raises(DatasetError, match=r"UTF-8 in line 3 .*caf\\xe9"):
        open_source(tmp_path / "a.csv")
