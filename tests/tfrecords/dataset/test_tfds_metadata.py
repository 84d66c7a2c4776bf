"""What tensorflow-datasets does with a dataset folder, all of it by its own means."""

import dataclasses

import matplotlib as mpl
import numpy as np
import pytest
import tensorflow_datasets as tfds

import tfrecords
from tests import small
from tfrecords import Manifest
from tfrecords.dataset.example import ENCODED, LABEL, decode_example
from tfrecords.dataset.tfds_metadata import write_tfds_metadata
from tfrecords.images import decode, store
from tfrecords.images.options import ImageOptions
from tfrecords.verification.shard_check import serialised_records

NAMES = ("Zürich: 50%", "a, 'b' [c]", "n01440764")  # in label order
KEYS = {
    *("image/encoded", "image/format", "image/height", "image/width"),
    *("image/channels", "image/colorspace", "image/filename"),
    *("image/class/label", "image/class/synset", "image/class/text"),
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return small.write_tree(tmp_path_factory.mktemp("tree") / "t", 4, NAMES)


def build(tree, out, **options):
    options = {"size": 32, "name": "small", "shards": 2, **options}
    return tfrecords.build(tree, out, processes=1, progress=False, **options)


@pytest.fixture(scope="module", params=["jpeg", "jpeg-original", "raw"])
def folder(request, tree, tmp_path_factory):
    out = tmp_path_factory.mktemp("data") / request.param
    build(tree, out, encoding=request.param, validation_fraction=0.25)
    return out


@pytest.fixture
def builder(folder):
    return tfds.builder_from_directory(folder)


def stored(folder, split="train"):
    """The records of a split, by our own reader."""
    shards = Manifest.load(folder).splits[split]
    return [
        decode_example(serialised)
        for shard in shards
        for serialised in serialised_records(folder / shard.file)
    ]


def test_supervised_pairs_are_the_stored_pixels_and_labels(folder, builder):
    options = ImageOptions.recorded(Manifest.load(folder).options)
    dataset = builder.as_dataset(split="train", as_supervised=True)
    pairs = list(tfds.as_numpy(dataset))
    expected = stored(folder)
    assert len(pairs) == len(expected) == 9
    for (pixels, label), record in zip(pairs, expected, strict=True):
        assert label == record.label and pixels.dtype == np.uint8
        if options.encoding == "raw":
            wanted = store.square(record.encoded, options)
        else:
            wanted = decode.decode(record.encoded)
        assert pixels.shape == wanted.shape == (record.height, record.width, 3)
        # TensorFlow's usual JPEG decoding is coarser than Pillow's.
        assert np.abs(pixels.astype(int) - wanted).mean() < 2


def test_the_keys_are_those_of_the_records(folder, builder):
    (record,) = tfds.as_numpy(builder.as_dataset(split="train[:1]"))
    assert set(record) == set(builder.info.features) == KEYS
    first = stored(folder)[0]
    assert record["image/filename"].decode() == first.filename
    assert record["image/class/text"].decode() == first.text


def test_class_names_are_known_by_label(builder):
    label = builder.info.features[LABEL]
    assert tuple(label.names) == NAMES
    assert [label.str2int(label.int2str(i)) for i in range(3)] == [0, 1, 2]
    assert builder.info.supervised_keys == (ENCODED, LABEL)


def test_splits_are_cut_and_decoding_is_left_out(folder, builder):
    parts = tfds.even_splits("train", 3)
    found = [builder.as_dataset(split=part, as_supervised=True) for part in parts]
    assert [len(part) for part in found] == [3, 3, 3]
    decoders = {ENCODED: tfds.decode.SkipDecoding()}
    dataset = builder.as_dataset(
        split="validation", as_supervised=True, decoders=decoders
    )
    encoded = [data for data, _ in tfds.as_numpy(dataset)]
    assert encoded == [record.encoded for record in stored(folder, "validation")]
    partial = tfds.decode.PartialDecoding({LABEL: True})
    (record,) = builder.as_dataset(split="train[:1]", decoders=partial)
    assert set(record) == {LABEL}


def test_examples_are_shown_with_their_names(folder, builder, monkeypatch):
    mpl.use("agg")
    monkeypatch.setattr("matplotlib.pyplot.show", lambda: None)
    dataset = builder.as_dataset(split="train")
    if folder.name == "raw":  # tfds shows encoded pictures only
        with pytest.raises(ValueError, match="not supported"):
            tfds.show_examples(dataset, builder.info)
        return
    figure = tfds.show_examples(dataset, builder.info, rows=1, cols=2)
    titles = [axes.get_xlabel() for axes in figure.axes]
    records = stored(folder)[:2]
    expected = [f"{NAMES[record.label]} ({record.label})" for record in records]
    assert titles == expected


def test_a_folder_without_validation_is_read(tree, tmp_path):
    build(tree, tmp_path / "data", validation_fraction=0)
    builder = tfds.builder_from_directory(tmp_path / "data")
    assert list(builder.info.splits) == ["train"]
    assert len(list(builder.as_dataset(split="train", as_supervised=True))) == 12


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("cat", "odd\udcff"), ("cat", "odd\\xff")),  # not UTF-8
        ((" cat", "dog "), ("cat", "dog")),  # as tfds reads them
        (("cat", "cat "), ("0", "1")),  # which would be one
        ((" ", "cat"), ("0", "1")),
    ],
)
def test_names_that_tfds_cannot_hold(tree, tmp_path, names, found):
    manifest = build(tree, tmp_path / "data", classes=2)
    (tmp_path / "data" / "image-class-label.labels.txt").touch()  # as once named
    changed = dataclasses.replace(manifest, labels=names)
    write_tfds_metadata(tmp_path / "data", changed)
    label = tfds.builder_from_directory(tmp_path / "data").info.features[LABEL]
    assert (tuple(label.names), label.num_classes) == (found, 2)
    files = list((tmp_path / "data").glob("image*.labels.txt"))
    assert len(files) == (found[0] != "0")
