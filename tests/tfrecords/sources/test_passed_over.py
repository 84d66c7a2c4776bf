"""What systems, programs and this package leave in folders is no class, no picture."""

import json

import pytest

import tfrecords
from keras_alexnet.inference.classifier import _expand
from tests.small import encode, picture, write_tree
from tests.tfrecords.sources.test_init import fill
from tfrecords import DatasetError
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
    found = [path.relative_to(cluttered).as_posix() for path in _expand([cluttered])]
    assert found == [s.key for s in open_source(cluttered).samples]


def test_predict_takes_what_is_named(cluttered):
    named = [cluttered / "cat" / "Thumbs.db", cluttered / ".DS_Store"]
    assert list(_expand(named)) == named
    hidden = cluttered / "@eaDir"
    assert list(_expand([hidden])) == [hidden / "1.jpg"]


@pytest.mark.parametrize("name", ["@eaDir/1.jpg/t.jpg", "cat/Thumbs.db", "cat/._1.jpg"])
def test_tables_and_lists_that_name_them_do_not_bring_them_in(tmp_path, name):
    fill(tmp_path, "cat/1.jpg", "dog/1.jpg", name)
    (tmp_path / "a.csv").write_text(f"path,label\ncat/1.jpg,c\ndog/1.jpg,d\n{name},c\n")
    (tmp_path / "train.txt").write_text(f"cat/1.jpg 0\ndog/1.jpg 1\n{name} 0\n")
    for source in (open_source(tmp_path / "a.csv"), open_source(tmp_path)):
        assert [s.key for s in source.samples] == ["cat/1.jpg", "dog/1.jpg"]
        assert [i.file for i in source.ignored] == [name]


def test_flat_validation_folders_pass_over_them_too(tmp_path):
    fill(tmp_path, "train/n01440764/1.jpg", "val/ILSVRC2012_val_00000293.JPEG")
    fill(tmp_path, "val/Thumbs.db", "val/@eaDir/x.jpg", "train/__MACOSX/x.jpg")
    source = open_source(tmp_path)
    assert (source.kind, len(source.samples)) == ("flat", 2)
    reasons = {i.file: i.reason for i in source.ignored}
    assert "operating system" in reasons["val/Thumbs.db"]
    assert "operating system" in reasons["val/@eaDir/"]


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
    assert [path.name for path in _expand([tmp_path])] == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize("name", ["b.txt", "a.png", "a", "ab.json"])
def test_what_has_no_picture_of_its_name_beside_it_is_left_to_its_content(
    tmp_path, name
):
    fill(tmp_path, "x/a.jpg", "y/b.jpg", f"x/{name}")
    assert f"x/{name}" in [s.key for s in open_source(tmp_path).samples]


PRODUCTS = {
    "dataset": ("manifest.json", "labels.txt"),
    "unfinished": (".building/plan.json", "x-train.tfrecord-00000-of-00001"),
    "run": ("config.json", "checkpoints/1/a"),
    "best": ("config.json", "best.keras"),
    "export": ("saved_model.pb", "variables/a"),
    "served": ("1/saved_model.pb", "1/variables/a"),
}


@pytest.mark.parametrize("files", PRODUCTS.values(), ids=PRODUCTS)
@pytest.mark.parametrize("place", ["mine", "cat/mine", "train"])
def test_our_own_folders_are_no_classes(tmp_path, files, place):
    fill(tmp_path, "cat/1.jpg", "dog/1.jpg", *(f"{place}/{name}" for name in files))
    source = open_source(tmp_path)
    assert source.labels == ("cat", "dog")
    assert len(source.samples) == 2
    assert [i.file for i in source.ignored] == [place]
    assert len(list(_expand([tmp_path]))) == 2


@pytest.mark.parametrize("kind", ["dataset", "run", "export", "served"])
def test_our_own_folders_are_no_sources(tmp_path, kind):
    fill(tmp_path, *PRODUCTS[kind])
    with pytest.raises(DatasetError, match="folder|model"):
        open_source(tmp_path)
    assert open_source(write_tree(tmp_path / "t", 1)).labels


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
