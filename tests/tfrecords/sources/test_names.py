"""File and class names of any bytes: carried through, or refused at the start."""

import json
import os

import pytest
import tensorflow as tf

import tfrecords
from keras_alexnet.cli import main
from tests.small import encode, picture, write_tree
from tfrecords import DatasetError, Manifest
from tfrecords.dataset.example import decode_example
from tfrecords.plain_text import printable
from tfrecords.sources import open_source

LATIN = os.fsdecode(b"caf\xe9")  # as archives of other systems leave it
OPTIONS = {"size": 72, "processes": 1, "shards": 1, "validation_fraction": 0.5}
BUILD = ["--processes", "1", "--shards", "1", "--max-rejected", "0.5"]
FILES = [
    LATIN,
    "a\nb",
    "end ",
    "cr\r",
    "\U0001f431",
    "tab\t",
    "back\\slash",
    "[red]",
    "x" * 240,
]


@pytest.fixture
def tree(tmp_path):
    return write_tree(tmp_path / "in", 2)


def records(out):
    paths = [str(path) for path in sorted(out.glob("*.tfrecord-*"))]
    dataset = tf.data.TFRecordDataset(paths).as_numpy_iterator()
    return [decode_example(serialised) for serialised in dataset]


def test_file_names_of_any_bytes_are_carried_through(tree, tmp_path, capsys):
    import tensorflow_datasets as tfds

    for place, name in enumerate(FILES):
        (tree / "blue" / f"{name}.jpg").write_bytes(encode(picture(0, place)))
    (tree / "blue" / f"{LATIN}-bad.jpg").write_bytes(b"no picture")
    (tree / "red" / f".{LATIN}").write_bytes(b"hidden")
    out = tmp_path / "out"
    assert main(["build", str(tree), str(out), "--size", "72", *BUILD]) == 0
    names = {record.filename for record in records(out)}
    assert {f"blue/{name}.jpg" for name in FILES} <= names
    rejected = json.loads((out / "rejected.jsonl").read_text())
    assert rejected["file"] == f"blue/{LATIN}-bad.jpg"
    ignored = json.loads((out / "ignored.jsonl").read_text())
    assert ignored["file"] == f"red/.{LATIN}"
    assert main(["verify", str(out), "--processes", "1"]) == 0
    assert main(["build", str(tree), str(out), "--size", "72", *BUILD]) == 0
    assert "finished already" in capsys.readouterr().err
    read = tfds.builder_from_directory(str(out)).as_dataset(split="train")
    assert read.cardinality() == Manifest.load(out).count("train")


CLASSES = {
    "not UTF-8": (LATIN, r"UTF-8.*caf\\xe9"),
    "a line break": ("a\nb", "one line"),
    "a carriage return": ("cat\r", "printed"),
    "a line separator": ("a\u2028b", "one line"),
    "an escape": ("a\x1b[31m", "printed"),
    "only space": (" ", "printed"),
    "space at its end": ("red ", "'red' twice"),
}


@pytest.mark.parametrize(("name", "words"), CLASSES.values(), ids=CLASSES)
def test_class_names_that_nothing_can_hold_are_refused_at_the_start(
    tree, tmp_path, capsys, name, words
):
    (tree / "blue").rename(tree / name)
    if name == "red ":
        write_tree(tree, 1, ("blue",))
    with pytest.raises(DatasetError, match=words) as caught:
        tfrecords.build(tree, tmp_path / "out", progress=False, **OPTIONS)
    str(caught.value).encode()  # it can be printed
    assert not (tmp_path / "out").exists()
    assert main(["build", str(tree), str(tmp_path / "out")]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_what_an_older_build_left_half_made_is_refused_too(tree):
    (tree / "blue").rename(tree / LATIN)
    with pytest.raises(DatasetError, match=r"UTF-8.*caf\\xe9"):
        open_source(tree, earlier=True)


@pytest.mark.parametrize("name", ["a cat", "\U0001f431", "café", "a\u200db", "x" * 250])
def test_class_names_of_any_characters_are_kept(tmp_path, name):
    tree = write_tree(tmp_path / "in", 2, ("blue", name))
    manifest = tfrecords.build(tree, tmp_path / "out", progress=False, **OPTIONS)
    assert set(manifest.labels) == {"blue", name}
    assert tfrecords.verify(tmp_path / "out", processes=1, progress=False).ok


def test_a_dataset_folder_of_other_bytes_is_refused_at_the_start(tree, tmp_path):
    out = tmp_path / LATIN / "out"
    with pytest.raises(DatasetError, match=r"caf\\xe9"):
        tfrecords.build(tree, out, progress=False, **OPTIONS)
    assert not out.parent.exists()


def test_a_source_folder_of_other_bytes_is_read(tree, tmp_path):
    moved = tree.rename(tmp_path / LATIN)
    manifest = tfrecords.build(moved, tmp_path / "out", progress=False, **OPTIONS)
    assert manifest.count("train") == 3
    assert Manifest.load(tmp_path / "out").source == str(moved)


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


@pytest.mark.parametrize("line", [b"b.jpg,caf\xe9", b"caf\xe9.jpg,b"])
def test_a_table_in_another_encoding_is_named_with_its_line(tmp_path, line):
    (tmp_path / "b.jpg").write_bytes(b"x")
    (tmp_path / "caf\u00e9.jpg").write_bytes(b"x")
    (tmp_path / "a.csv").write_bytes(b"path,label\nb.jpg,a\n" + line + b"\n")
    with pytest.raises(DatasetError, match=r"UTF-8 in line 3 .*caf\\xe9"):
        open_source(tmp_path / "a.csv")


def test_an_excluded_picture_may_have_any_bytes(tree, tmp_path):
    (tree / "blue" / f"{LATIN}.jpg").write_bytes(encode(picture(0, 9)))
    (tmp_path / "out.txt").write_bytes(b"caf\xe9.jpg\n")
    exclude = tmp_path / "out.txt"
    manifest = tfrecords.build(
        tree, tmp_path / "out", progress=False, exclude=exclude, **OPTIONS
    )
    assert sum(manifest.count(split) for split in manifest.splits) == 6


def test_predictions_of_files_of_any_bytes_are_shown_and_written(run, tmp_path, capsys):
    pictures = tmp_path / LATIN
    pictures.mkdir()
    (pictures / f"{LATIN}.jpg").write_bytes(encode(picture(0, 0)))
    (pictures / f"{LATIN}.bad").write_bytes(b"no picture")
    files = {kind: tmp_path / f"out.{kind}" for kind in ("json", "csv")}
    arguments = [f"--{kind}={path}" for kind, path in files.items()]
    assert main(["predict", str(run), str(pictures), *arguments]) == 1
    said = capsys.readouterr()
    assert "caf" in said.err and "caf" in said.out
    named = [row["file"] for row in json.loads(files["json"].read_text())]
    assert named == [str(pictures / f"{LATIN}{end}") for end in (".bad", ".jpg")]
    assert os.fsencode(named[0]) in files["csv"].read_bytes()


def test_what_is_not_utf_8_is_shown_by_its_bytes():
    assert printable(LATIN) == r"caf\xe9"
    assert printable("café") == "café"
