"""Pictures that are replaced under the same name and length."""

import io
import json
import os
import shutil
import tarfile

import pytest

import tfrecords
from keras_alexnet import cli
from tests import small
from tests.tfrecords.conftest import (
    write_tree,
)
from tfrecords import DatasetError, Manifest
from tfrecords.building import finished_shards
from tfrecords.building.plan import make_plan
from tfrecords.images import store
from tfrecords.images.options import ImageOptions

CLASSES = ("n01440764", "n01443537")


OPTIONS = {"size": 32, "shards": 2, "name": "tiny", "processes": 1}


PICTURE = f"{CLASSES[1]}/002.jpg"


def build(source, out, **options):
    return tfrecords.build(source, out, **{**OPTIONS, **options})


def folder(root):
    tree = small.write_tree(root / "tree", 4, CLASSES)
    return tree, tree / PICTURE


def csv_file(root):
    tree, picture = folder(root)
    names = [f"{name}/{i:03d}.jpg,{name}\n" for name in CLASSES for i in range(4)]
    (tree / "list.csv").write_text("path,label\n" + "".join(names))
    return tree / "list.csv", picture


def lists(root):
    tree, picture = folder(root)
    names = [f"{CLASSES[i // 4]}/{i % 4:03d}.jpg {i // 4}\n" for i in range(8)]
    (tree / "train.txt").write_text("".join(names))
    return tree, picture


def kaggle(root):
    root = root / "kaggle"
    place = root / "ILSVRC" / "Data" / "CLS-LOC"
    tree = small.write_tree(place / "train", 4, CLASSES)
    (place / "val").mkdir()
    answer = "ILSVRC2012_val_00000293.JPEG"  # a tench
    shutil.copy(tree / PICTURE, place / "val" / answer)
    return root, place / "val" / answer


def tar(root):
    tree, _ = folder(root)
    path = root / "ILSVRC2012_img_train.tar"
    with tarfile.open(path, "w") as outer:
        for name in CLASSES:
            buffer = io.BytesIO()
            with tarfile.open(fileobj=buffer, mode="w") as inner:
                inner.add(tree / name, ".")
            member = tarfile.TarInfo(f"{name}.tar")
            member.size = len(buffer.getvalue())
            outer.addfile(member, io.BytesIO(buffer.getvalue()))
    return path, path


def tfds(root):
    tree, _ = folder(root)
    out = root / "prepared"
    build(tree, out, progress=False)
    return out, next(out.glob("*validation*"))


def overwrite(path):
    """Change one byte of a picture and set the file's times back."""
    before = path.stat()
    data = bytearray(path.read_bytes())
    place = data.rindex(b"\xff\xd9") - 20  # in the last of its pictures
    data[place] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size


def shard_bytes(out):
    return {path.name: path.read_bytes() for path in out.glob("tiny-*")}


@pytest.mark.parametrize("make", [folder, csv_file, lists, kaggle, tar, tfds])
def test_a_replaced_picture_is_noticed_and_a_touched_one_is_none(
    make, tmp_path, capsys
):
    source, picture = make(tmp_path)
    out = tmp_path / "out"
    first = build(source, out)
    assert build(source, out) == first
    kept = shard_bytes(out)
    capsys.readouterr()
    os.utime(picture)
    again = build(source, out)
    text = capsys.readouterr().err
    assert "touched" in text and "finished already" in text
    sums = {file: contents.sha256 for file, contents in again.contents.items()}
    assert sums == {file: contents.sha256 for file, contents in first.contents.items()}
    assert build(source, out) == again == Manifest.load(out)
    assert "touched" not in capsys.readouterr().err  # it was compared already
    overwrite(picture)
    for _ in range(2):
        with pytest.raises(DatasetError, match=r"replaced since.*Remove .*out") as told:
            build(source, out)
        assert "\n" not in str(told.value)
    assert shard_bytes(out) == kept and Manifest.load(out) == again


def test_the_picture_that_was_written_last_is_named(tmp_path, capsys):
    source, picture = folder(tmp_path)
    arguments = ["build", str(source), str(tmp_path / "out"), "--size", "32"]
    arguments += ["--processes", "1"]
    assert cli.main(arguments) == 0
    overwrite(picture)
    capsys.readouterr()
    assert cli.main(arguments) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("alexnet build: ") and f"last written: {PICTURE}" in error
    assert "1 of 2 shards are out of date" in error
    shutil.rmtree(tmp_path / "out")
    assert cli.main(arguments) == 0


def test_a_dataset_that_holds_no_digests_stays_finished(tmp_path, capsys):
    source, picture = folder(tmp_path)
    out = tmp_path / "out"
    build(source, out)
    path = out / "manifest.json"
    document = json.loads(path.read_bytes())
    del document["contents"]
    path.write_text(json.dumps(document))
    before = path.read_bytes()
    overwrite(picture)
    capsys.readouterr()
    manifest = build(source, out)
    assert manifest.contents == {} and path.read_bytes() == before
    (line,) = [x for x in capsys.readouterr().err.splitlines() if "finished" in x]
    assert "Names and lengths" in line and f"remove {out}" in line


def test_the_selected_pictures_alone_count(tmp_path):
    source, picture = folder(tmp_path)
    first = build(source, tmp_path / "out", classes=1)
    overwrite(picture)
    assert build(source, tmp_path / "out", classes=1) == first


def test_digits_never_change(tmp_path):
    first = build("digits", tmp_path / "out", limit=20)
    assert build("digits", tmp_path / "out", limit=20) == first
    assert set(first.contents) == set(shard_bytes(tmp_path / "out"))


def test_an_unfinished_build_writes_shards_of_replaced_pictures_again(
    tmp_path, monkeypatch, capsys
):
    source, picture = folder(tmp_path)
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(finished_shards.FinishedShards, "commit", None)
        with pytest.raises(TypeError):
            build(source, out)
    before = {path.name: path.stat().st_ino for path in out.glob("tiny-*")}
    overwrite(picture)
    os.utime(source / CLASSES[0] / "000.jpg")
    build(source, out)
    assert "1 finished shards are written again" in capsys.readouterr().err
    after = {path.name: path.stat().st_ino for path in out.glob("tiny-*")}
    assert sum(before[name] == after[name] for name in before) == len(before) - 1
    build(source, tmp_path / "whole")
    assert shard_bytes(out) == shard_bytes(tmp_path / "whole")
    assert Manifest.load(out) == Manifest.load(tmp_path / "whole")


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_picture_replaced_during_the_build(tmp_path, monkeypatch, moment):
    """What counts is what was read, whenever it was written."""
    source, picture = folder(tmp_path)
    real, seen = store.convert, []

    def convert(data, options):
        seen.append(data)
        if len(seen) == (1 if moment == "before" else 8):
            overwrite(last if moment == "before" else picture)
        return real(data, options)

    plan = _planned(source)
    last = source / plan[-1].samples[-1].key
    with monkeypatch.context() as patch:
        patch.setattr(store, "convert", convert)
        first = build(source, tmp_path / "out")
    assert len(seen) == 8
    if moment == "before":
        assert build(source, tmp_path / "out").splits == first.splits
    else:
        with pytest.raises(DatasetError, match="replaced since"):
            build(source, tmp_path / "out")


def _planned(source):
    opened = tfrecords.sources.open_source(source)
    options = ImageOptions(size=32)
    return make_plan(opened, name="tiny", seed=0, images=options, shards=2).shards


def test_a_dataset_that_cannot_be_written_to_is_finished_all_the_same(
    tmp_path, monkeypatch, capsys
):
    source, picture = folder(tmp_path)
    build(source, tmp_path / "out")
    os.utime(picture)

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tfrecords.dataset.manifest.write_atomically", refuse)
    build(source, tmp_path / "out")
    assert "finished already" in capsys.readouterr().err


def test_an_unreadable_picture_is_rejected(tmp_path):
    root = write_tree(tmp_path / "in")
    (root / "train" / "cat" / "gone.JPEG").symlink_to(tmp_path / "nowhere")
    manifest = build(root, tmp_path / "out", max_rejected=0.5)
    line = json.loads((tmp_path / "out" / "rejected.jsonl").read_text())
    assert manifest.rejected == 1
    assert (line["file"], line["reason"]) == ("train/cat/gone.JPEG", "unreadable")
