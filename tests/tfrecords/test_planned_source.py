"""Datasets of older builds, which read some folders otherwise, stay finished."""

import functools

import pytest

import tfrecords
from tests.small import encode, picture
from tfrecords import DatasetError, Manifest, builder, shard
from tfrecords.sources import open_source

OPTIONS = {"size": 32, "processes": 1, "shards": 1, "max_rejected": 0.5}

# Every layout that is read in another way now, by its pictures' folders.
LAYOUTS = {
    "numbers": [str(n) for n in range(12)],
    "gaps": ["1", "2", "10"],
    "sidecar": ["a", "b", "a/000.jpg.json"],
    "thumbnails": ["a", "b", "a/@eaDir/000.jpg"],
    "two validations": ["train/a", "train/b", "val/a", "val/b", "dev/a", "dev/b"],
    "a folder beside": ["train/a", "train/b", "more"],
    "wrapper": ["in/a", "in/b"],
    "splits in classes": ["a/train", "a/val", "b/train", "b/val"],
}


def write(root, folders):
    for label, folder in enumerate(folders):
        if folder.endswith(".json"):
            (root / folder).write_text("{}")
            continue
        (root / folder).mkdir(parents=True, exist_ok=True)
        for i in range(3):
            path = root / folder / f"{i:03d}.jpg"
            path.write_bytes(encode(picture(label % 3, i, 40, 40)))
    return root


def as_older_builds(monkeypatch):
    monkeypatch.setattr(
        builder, "open_source", functools.partial(_earlier, open_source)
    )


def _earlier(real, source, kind, earlier):
    return real(source, kind, True)


@pytest.mark.parametrize("folders", LAYOUTS.values(), ids=LAYOUTS)
def test_what_an_older_build_finished_is_finished(
    tmp_path, monkeypatch, capsys, folders
):
    root, out = write(tmp_path / "in", folders), tmp_path / "out"
    with monkeypatch.context() as older:
        as_older_builds(older)
        first = tfrecords.build(root, out, progress=False, **OPTIONS)
    monkeypatch.setattr(shard, "open_writer", None)
    assert tfrecords.build(root, out, **OPTIONS) == first
    said = capsys.readouterr().err
    assert "finished already" in said and "older build" in said
    with pytest.raises(DatasetError, match=r"\bsize 32 there, 40 now|splits|two|SPLIT"):
        tfrecords.build(root, out, progress=False, **{**OPTIONS, "size": 40})


def test_what_an_older_build_began_is_finished_as_it_began(tmp_path, monkeypatch):
    root, out = write(tmp_path / "in", LAYOUTS["numbers"]), tmp_path / "out"
    with monkeypatch.context() as older:
        as_older_builds(older)
        whole = tfrecords.build(root, tmp_path / "whole", progress=False, **OPTIONS)
        older.setattr(builder._Work, "_write", _stop)
        with pytest.raises(KeyboardInterrupt):
            tfrecords.build(root, out, progress=False, **OPTIONS)
    assert tfrecords.build(root, out, progress=False, **OPTIONS) == whole
    assert whole.labels[:3] == ("0", "1", "10")


def _stop(*_):
    raise KeyboardInterrupt


def test_a_new_folder_is_read_as_now(tmp_path):
    root = write(tmp_path / "in", LAYOUTS["numbers"])
    manifest = tfrecords.build(root, tmp_path / "out", progress=False, **OPTIONS)
    assert manifest.labels == tuple(str(n) for n in range(12))
    assert Manifest.load(tmp_path / "out").label_order == "numbers"
