import json
import os

import tensorflow as tf

import tfrecords
from keras_alexnet.cli import main
from tests.small import encode, picture
from tests.tfrecords.conftest import FEW, LATIN, fill, write_tree
from tfrecords import Manifest
from tfrecords.dataset.example import decode_example
from tfrecords.sources import Ignored, open_source


def test_operating_system_files_are_ignored_and_listed(odd_tree):
    source = open_source(odd_tree)
    names = {os.path.basename(ignored.file) for ignored in source.ignored}
    assert {ignored.reason for ignored in source.ignored} == {
        "a file of the operating system"
    }
    assert names == {"Thumbs.db", ".DS_Store", "._0.JPEG", "desktop.ini"}
    keys = {os.path.basename(sample.key) for sample in source.samples}
    assert {"text.JPEG", "empty.JPEG", "palette.png"} <= keys


def test_pipes_are_never_opened_and_dangling_links_are_kept(tmp_path):
    fill(tmp_path, "a/1.jpg")
    os.mkfifo(tmp_path / "a" / "pipe.jpg")
    (tmp_path / "a" / "link.jpg").symlink_to(tmp_path / "nowhere")
    source = open_source(tmp_path)
    assert source.ignored == (Ignored("a/pipe.jpg", "not a regular file"),)
    assert [s.key for s in source.samples] == ["a/1.jpg", "a/link.jpg"]


def test_a_dataset_name_can_be_made_of_any_folder(tmp_path):
    for folder, name in [("My Photos-2", "my_photos_2"), ("2012", "images_2012")]:
        assert open_source(write_tree(tmp_path / folder)).name == name


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


def test_a_source_folder_of_other_bytes_is_read(tree, tmp_path):
    moved = tree.rename(tmp_path / LATIN)
    manifest = tfrecords.build(moved, tmp_path / "out", progress=False, **FEW)
    assert manifest.count("train") == 3
    assert Manifest.load(tmp_path / "out").source == str(moved)
