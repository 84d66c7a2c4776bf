import unicodedata
from collections import Counter
from dataclasses import replace

import pytest

import tfrecords
from tests.small import encode, picture
from tests.tfrecords.conftest import FEW, LATIN, fill
from tfrecords import DatasetError
from tfrecords.sources import Ignored, open_source
from tfrecords.sources.sample import BytesOrigin, Sample, Source, in_order
from tfrecords.sources.selection import select

COUNTS = {"n01440764": 50, "n01443537": 30, "zebra": 20}


def make(prefix=""):
    samples = [
        Sample(
            f"{split}/{name}/{i}.JPEG", label, split, 1, BytesOrigin(prefix.encode())
        )
        for split in ("train", "validation")
        for label, (name, count) in enumerate(COUNTS.items())
        for i in range(count if split == "train" else 5)
    ]
    samples.append(
        Sample("val/ILSVRC2012_val_00000036.JPEG", 1, "validation", 1, BytesOrigin(b""))
    )
    return Source("folder", "x", "x", tuple(COUNTS), in_order(samples))


def counts(source, split):
    return Counter(source.labels[s.label] for s in source.samples if s.split == split)


def written(path, text):
    path.write_text(text)
    return path


def test_nothing_asked_for_changes_nothing():
    assert select(make()) == make()


@pytest.mark.parametrize("classes", [2, ("n01443537", "n01440764")])
def test_classes_are_the_first_or_the_named(classes):
    source = replace(make(), words=("tench", "goldfish", ""))
    chosen = select(source, classes=classes)
    assert chosen.labels == ("n01440764", "n01443537")
    assert chosen.words == ("tench", "goldfish")
    assert len(chosen.samples) == 50 + 30 + 11


def test_the_labels_of_chosen_classes_are_numbered_anew():
    chosen = select(make(), classes=["zebra", "n01443537"])
    assert chosen.labels == ("n01443537", "zebra")
    for sample in chosen.samples:
        if sample.key.startswith("val/"):
            continue
        assert sample.key.split("/")[1] == chosen.labels[sample.label]


def test_a_limit_keeps_the_shares_of_the_classes():
    chosen = select(make(), limit=10)
    train = counts(chosen, "train")
    assert sum(train.values()) == 10
    assert train == {"n01440764": 5, "n01443537": 3, "zebra": 2}
    assert sum(counts(chosen, "validation").values()) == 10


def test_a_limit_leaves_one_of_each_class_while_it_lasts():
    few = {"n01440764": 95, "n01443537": 4, "zebra": 1}
    samples = [
        Sample(f"{name}/{i}", label, None, 1, BytesOrigin(b""))
        for label, (name, count) in enumerate(few.items())
        for i in range(count)
    ]
    source = replace(make(), samples=in_order(samples))
    for limit in range(1, 101):
        chosen = counts(select(source, limit=limit), None)
        assert sum(chosen.values()) == limit
        assert len(chosen) == min(limit, 3)
        assert all(chosen[name] <= few[name] for name in few)
    assert select(source, limit=100) == select(source, limit=1000) == source


def test_a_limit_depends_on_the_seed_and_on_nothing_else():
    chosen = {s.key for s in select(make(), limit=20, seed=1).samples}
    other_order = replace(make("x"), samples=tuple(reversed(make("x").samples)))
    assert {s.key for s in select(other_order, limit=20, seed=1).samples} == chosen
    assert {s.key for s in select(make(), limit=20, seed=2).samples} != chosen


def test_what_is_excluded_is_listed_with_the_reason(tmp_path):
    path = written(
        tmp_path / "out.txt", "# bad ones\ntrain/zebra/3.JPEG\n\n36 # a number\n"
    )
    chosen = select(make(), exclude=path)
    keys = {"train/zebra/3.JPEG", "val/ILSVRC2012_val_00000036.JPEG"}
    before = {s.key for s in make().samples}
    assert {s.key for s in chosen.samples} == before - keys
    assert chosen.ignored == tuple(
        Ignored(key, "excluded by out.txt") for key in sorted(keys)
    )


def test_labels_can_be_corrected_by_name_or_number(tmp_path):
    name = "ILSVRC2012_val_00000036.JPEG"
    path = written(
        tmp_path / "new.csv", f"file,label\n{name},zebra\ntrain/zebra/1.JPEG,0\n"
    )
    chosen = {s.key: s.label for s in select(make(), relabel=path).samples}
    expected = {s.key: s.label for s in make().samples}
    expected |= {f"val/{name}": 2, "train/zebra/1.JPEG": 0}
    assert chosen == expected


@pytest.mark.parametrize(
    ("option", "text", "words"),
    [
        ("exclude", "36\ntrain/zebra/99.JPEG\n", "'train/zebra/99.JPEG' .* no picture"),
        ("exclude", "37\n", "00000037.JPEG' .* no picture"),
        ("exclude", "1.JPEG\n", "several pictures"),
        ("relabel", "train/zebra/1.JPEG,0\n", "columns file,label"),
        ("relabel", "file,label\ntypo.JPEG,0\n", "'typo.JPEG' .* no picture"),
        ("relabel", "file,label\ntrain/zebra/1.JPEG,3\n", "0 to 2 .* '3'"),
        ("relabel", "file,label\ntrain/zebra/1.JPEG,lion\n", "'lion'"),
        (
            "relabel",
            "file,label\ntrain/zebra/1.JPEG,0\ntrain/zebra/1.JPEG,1\n",
            "found two",
        ),
    ],
)
def test_entries_that_match_nothing_are_named(tmp_path, option, text, words):
    path = written(tmp_path / "file.txt", text)
    with pytest.raises(DatasetError, match=words) as caught:
        select(make(), **{option: path})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"classes": 0}, "1 to 3"),
        ({"classes": 4}, "1 to 3"),
        ({"classes": ["lion"]}, "'lion'"),
        ({"classes": []}, "at least one"),
        ({"limit": 0}, "at least 1"),
        ({"limit": 5, "seed": -1}, "seed"),
    ],
)
def test_choices_that_cannot_be_made_are_errors(options, words):
    with pytest.raises(DatasetError, match=words):
        select(make(), **options)


def test_a_file_that_is_not_there_is_one_clear_line(tmp_path):
    for option in ("exclude", "relabel"):
        with pytest.raises(DatasetError, match="Cannot read"):
            select(make(), **{option: tmp_path / "none"})


def test_choices_may_be_in_another_form(tmp_path):
    apart = unicodedata.normalize("NFD", "café")
    source = open_source(fill(tmp_path, f"{apart}/é.jpg", "b/1.jpg"))
    assert select(source, classes=["café"]).labels == (apart,)
    path = tmp_path / "exclude.txt"
    path.write_text(f"{apart}\\é.jpg\n")
    assert [s.key for s in select(source, exclude=path).samples] == ["b/1.jpg"]


def test_an_excluded_picture_may_have_any_bytes(tree, tmp_path):
    (tree / "blue" / f"{LATIN}.jpg").write_bytes(encode(picture(0, 9)))
    (tmp_path / "out.txt").write_bytes(b"caf\xe9.jpg\n")
    exclude = tmp_path / "out.txt"
    manifest = tfrecords.build(
        tree, tmp_path / "out", progress=False, exclude=exclude, **FEW
    )
    assert sum(manifest.count(split) for split in manifest.splits) == 6
