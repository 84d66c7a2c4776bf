"""Datasets of older builds, which read some folders otherwise, stay finished."""

import functools
import json

import pytest

import tfrecords
from tests.small import encode, picture, write_tree
from tests.tfrecords.conftest import fill
from tfrecords import DatasetError, Manifest
from tfrecords.building import build as build_module
from tfrecords.building import shard
from tfrecords.building.plan import make_plan
from tfrecords.images.options import ImageOptions
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
        build_module, "open_source", functools.partial(_earlier, open_source)
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
        older.setattr(build_module._Work, "_write", _stop)
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


# Computed by the build of before, with name x, seed 0 and no other option.
FINGERPRINTS = {
    "plain": (["a/1", "b/1"], "93b59ceaeb4d8a9f"),
    "splits": (
        ["train/a/1", "train/b/1", "val/a/1", "test/2", "readme"],
        "02dba829e893aa95",
    ),
    "numbers": ([f"{n}/1" for n in range(12)], "c4cfb817aa83593f"),
    "gaps": (["1/1", "2/1", "10/1"], "33d64505b3f656d4"),
    "sidecar": (["a/1.jpg", "a/1.jpg.json", "b/1.jpg"], "7418a23f216872cb"),
    "thumbnails": (
        ["a/1.jpg", "a/@eaDir/1.jpg", "b/1.jpg", "@eaDir/1.jpg"],
        "d3809aa6310d4e60",
    ),
    "systems": (
        ["a/Thumbs.db", "a/desktop.ini", "a/.b", "a/1.jpg", "a/Picasa.ini"],
        "79a896e67d2e1621",
    ),
    "two validations": (["train/a/1", "val/a/1", "dev/a/1"], "c720f25bbc6865c3"),
    "a folder beside": (["train/a/1", "more/1"], "6ffc824a8195f0ca"),
    "wrapper": (["in/a/1", "in/b/1"], "948bab2396f59fa8"),
    "flat splits": (["train/1", "val/1"], "4c46ce85213284f4"),
    "splits in classes": (["a/train/1", "a/val/1", "b/train/1"], "f532ac79f84a16af"),
    "a table": (["1", "2", "3"], "7dfb7ba274933de8"),
    "a list": (["1/a", "10/b", "2/c"], "04ae47a760088925"),
}


AS_BEFORE = ("plain", "splits")  # right then, so read in the same way now


@pytest.mark.parametrize("name", FINGERPRINTS)
def test_the_fingerprints_of_older_builds_are_known_again(tmp_path, name):
    paths, fingerprint = FINGERPRINTS[name]
    source = fill(tmp_path / "in", *paths)
    if name == "a table":
        (source / "a.csv").write_text("path,label\n1,0.0\n2,1.0\n3,10.0\n")
        source = source / "a.csv"
    if name == "a list":
        (source / "train.txt").write_text("1/a 0\n10/b 1\n2/c 2\n")
    for earlier in (True, False) if name in AS_BEFORE else (True,):
        opened = open_source(source, earlier=earlier)
        plan = make_plan(opened, name="x", seed=0, images=ImageOptions())
        assert plan.fingerprint.startswith(fingerprint)


def build(source, out, **options):
    options = {"size": 32, "processes": 1, "shards": 1, "progress": False, **options}
    return tfrecords.build(source, out, **options)


@pytest.fixture
def source(tmp_path):
    return write_tree(tmp_path / "source", 2)


@pytest.mark.parametrize("out", ["", "out", "blue/out", ".out", "a/b/../c"])
def test_a_dataset_inside_its_source_is_refused_before_a_byte(source, out, monkeypatch):
    before = sorted(source.rglob("*"))
    monkeypatch.chdir(source.parent)
    for place in (source / out, f"source/{out}"):
        with pytest.raises(DatasetError, match="outside the source"):
            build(source, place)
    assert sorted(source.rglob("*")) == before


def test_links_into_the_source_are_seen_through(source, tmp_path):
    (tmp_path / "link").symlink_to(source)
    (tmp_path / "class").mkdir()
    (source / "linked").symlink_to(tmp_path / "class")
    for root, out in [
        (source, tmp_path / "link" / "out"),
        (tmp_path / "link", source / "out"),
        (source, tmp_path / "class" / "out"),
    ]:
        with pytest.raises(DatasetError, match="outside the source"):
            build(root, out)
    assert not (tmp_path / "class" / "out").exists()
    assert not (source / "out").exists()


def test_a_finished_dataset_inside_its_source_is_still_finished(source, tmp_path):
    first = build(source, tmp_path / "out")
    (tmp_path / "out").rename(source / "out")
    assert build(source, source / "out") == first
    with pytest.raises(DatasetError, match="outside the source"):
        build(source, source / "out", size=40)


def test_a_dataset_beside_a_table_is_fine(source):
    rows = "".join(f"{c}/00{i}.jpg,{c}\n" for c in ("blue", "red") for i in (0, 1))
    (source / "a.csv").write_text("path,label\n" + rows)
    manifest = build(source / "a.csv", source / "out", validation_fraction=0.5)
    assert manifest.labels == ("blue", "red")


def test_ignored_paths_reach_the_dataset(source, tmp_path):
    (source / "blue" / "@eaDir").mkdir()
    (source / "blue" / "@eaDir" / "t.jpg").write_bytes(encode(picture(0, 9)))
    manifest = build(source, tmp_path / "out", validation_fraction=0.5)
    lines = (tmp_path / "out" / "ignored.jsonl").read_text().splitlines()
    assert [json.loads(line)["file"] for line in lines] == ["blue/@eaDir/"]
    assert (manifest.ignored, manifest.count("train")) == (1, 3)
