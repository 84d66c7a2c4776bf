import json
from pathlib import Path

import pytest

import tfrecords
from tfrecords import DatasetError, Manifest
from tfrecords.dataset.manifest import Shard
from tfrecords.verification.statistics_from_shards import compute_statistics


@pytest.fixture
def manifest():
    return Manifest(
        name="tiny",
        source="/pictures",
        options={"seed": 0, "size": 64},
        fingerprint="00ff",
        labels=("cat", "n01440764"),
        synsets=("", "n01440764"),
        label_offset=0,
        splits={"train": (Shard("a", 3, 5, "x"), Shard("b", 2, 4, "y")), "test": ()},
        class_counts={"train": (2, 3), "test": (0, 0)},
        rejected=1,
        ignored=0,
        image_size=64,
        written_with={"pillow": "13"},
    )


def save(manifest, directory):
    (directory / "a").write_bytes(b"12345")
    (directory / "b").write_bytes(b"1234")
    manifest.save(directory)


def test_save_and_load_round_trip(manifest, tmp_path):
    save(manifest, tmp_path)
    assert Manifest.load(tmp_path) == manifest
    assert not list(tmp_path.glob(".*"))


def test_counts(manifest):
    assert manifest.num_classes == 2
    assert [manifest.count(s) for s in ("train", "test", "none")] == [5, 0, 0]
    assert manifest.summary() == (
        "tiny: 5 train, 0 test; 2 classes; 1 rejected, 0 ignored"
    )


@pytest.mark.parametrize("damage", ["missing", "short"])
def test_a_damaged_shard_is_named_with_what_to_do(manifest, tmp_path, damage):
    save(manifest, tmp_path)
    if damage == "missing":
        (tmp_path / "b").unlink()
    else:
        (tmp_path / "b").write_bytes(b"123")
    with pytest.raises(DatasetError, match=r"/b.*alexnet verify") as caught:
        Manifest.load(tmp_path)
    assert "\n" not in str(caught.value)
    assert Manifest.load(tmp_path, check=False) == manifest


def _without(key):
    def change(document):
        del document[key]
        return document

    return change


def _with_shard(**fields):
    def change(document):
        document["splits"]["train"][0].update(fields)
        return document

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_without("splits"), "ill-formed.*splits"),
        (_without("format_version"), "format_version"),
        (lambda d: {**d, "splits": [1]}, "ill-formed"),
        (lambda d: {**d, "splits": {"train": [{"file": "a"}]}}, "ill-formed"),
        (lambda d: {**d, "class_counts": 3}, "ill-formed"),
        (lambda d: [d], "Expected an object"),
        (lambda d: {**d, "labels": ["cat", 3]}, "ill-formed.*3"),
        (lambda d: {**d, "labels": ["cat"]}, "ill-formed.*synsets"),
        (lambda d: {**d, "words": ["a"]}, "ill-formed.*words"),
        (lambda d: {**d, "image_size": "64"}, "ill-formed.*image_size"),
        (lambda d: {**d, "rejected": -1}, "ill-formed.*rejected"),
        (lambda d: {**d, "options": None}, "ill-formed.*options"),
        (lambda d: {**d, "contents": {"a": 1}}, "ill-formed"),
        (_with_shard(file=None), "ill-formed.*file"),
        (_with_shard(bytes="5"), "ill-formed.*bytes"),
        (_with_shard(records=True), "ill-formed.*records"),
        (lambda d: {**d, "class_counts": {"train": [2, 3]}}, "ill-formed.*test"),
        (lambda d: {**d, "class_counts": {"train": [5]}}, "ill-formed.*class_counts"),
    ],
)
def test_an_ill_formed_manifest_is_one_clear_line(manifest, tmp_path, change, words):
    save(manifest, tmp_path)
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(DatasetError, match=words) as caught:
        Manifest.load(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_missing_or_cut_manifest_is_one_clear_line(manifest, tmp_path):
    with pytest.raises(DatasetError, match="alexnet build"):
        Manifest.load(tmp_path)
    save(manifest, tmp_path)
    path = tmp_path / "manifest.json"
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(DatasetError, match="Cannot read"):
        Manifest.load(tmp_path)


def test_a_failed_write_leaves_the_old_manifest(manifest, tmp_path, monkeypatch):
    save(manifest, tmp_path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tfrecords.files.os.fsync", full)
    with pytest.raises(OSError, match="space"):
        manifest.save(tmp_path)
    assert not list(tmp_path.glob(".*"))
    assert Manifest.load(tmp_path) == manifest


@pytest.mark.parametrize("kind", [str, Path])
def test_the_library_shows_addresses_as_they_were_given(tmp_path, kind, monkeypatch):
    monkeypatch.chdir(tmp_path)
    address = kind("s3://bucket/data")
    for call in (
        lambda: Manifest.load(address),
        lambda: tfrecords.build(address, "out"),
        lambda: tfrecords.build("digits", address),
        lambda: compute_statistics(address),
    ):
        with pytest.raises(DatasetError, match=r"got s3://bucket/data\. .*Copy"):
            call()
    (problem,) = tfrecords.verify(address).problems
    assert "s3://bucket/data" in problem
    assert not list(tmp_path.iterdir())


def test_a_folder_with_a_colon_is_a_path(manifest, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = Path("of:/data")
    folder.mkdir(parents=True)
    save(manifest, folder)
    assert Manifest.load("of:/data") == Manifest.load(folder) == manifest
