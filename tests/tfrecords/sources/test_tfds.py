import io
import shutil
from pathlib import Path

import pytest

from tests.tfrecords.conftest import encoded, noise
from tfrecords import DatasetError
from tfrecords.sources import open_source

pytestmark = pytest.mark.filterwarnings("default")


LABELS = ["zebra", "cat"]  # not sorted


def pictures():
    return [encoded(noise(20 + i, 24, seed=i), "PNG") for i in range(7)]


def prepare(root, labels=LABELS, file_format="tfrecord", names=True, **splits):
    import tensorflow_datasets as tfds

    features = {
        "image": tfds.features.Image(shape=(None, None, 3), encoding_format="png"),
        "label": tfds.features.ClassLabel(names=labels),
    }
    if names:
        features["file_name"] = tfds.features.Text()

    class Tiny(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            return self.dataset_info_from_configs(
                features=tfds.features.FeaturesDict(features),
                supervised_keys=("image", "label"),
            )

        def _split_generators(self, manager):
            return {name: self._generate_examples(n) for name, n in splits.items()}

        def _generate_examples(self, rows):
            for i, (name, label, data) in enumerate(rows):
                example = {"image": data, "label": label}
                yield i, {**example, "file_name": name} if names else example

    rows = {
        name: [(n, label, io.BytesIO(data)) for n, label, data in given]
        for name, given in splits.items()
    }
    splits = rows
    builder = Tiny(data_dir=root, file_format=file_format)
    builder.download_and_prepare()
    return builder


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    data = pictures()
    rows = [(f"{i}.png", i % 2, png) for i, png in enumerate(data)]
    root = tmp_path_factory.mktemp("tfds")
    return prepare(
        root, train=rows[:4], validation=rows[4:6], test=[("6.png", -1, data[6])]
    )


def test_pictures_are_read_where_they_lie_in_the_records(prepared):
    source = open_source(prepared.data_dir)
    assert (source.kind, source.name) == ("tfds", "tiny")
    assert source.labels == ("cat", "zebra")
    assert source.label_order == "tfds, converted to sorted_name"
    found = {
        s.key.rpartition("/")[2]: (s.split, source.labels[s.label], s.origin.read())
        for s in source.samples
    }
    splits = ["train"] * 4 + ["validation"] * 2
    assert found == {
        f"{i}.png": (split, LABELS[i % 2], pictures()[i])
        for i, split in enumerate(splits)
    }
    assert [(i.file, i.reason) for i in source.ignored] == [
        ("test/ (1 records)", "it has no labels")
    ]
    assert all(s.size == len(s.origin.read()) for s in source.samples)


def test_a_name_is_found_in_the_data_folder(prepared, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(Path(prepared.data_dir).parents[1]))
    assert open_source("tfds:tiny").samples == open_source(prepared.data_dir).samples


def test_what_tfds_reads_is_what_is_listed(prepared):
    source = open_source(prepared.data_dir)
    for split in ("train", "validation"):
        names = [s.key.rpartition("/")[2] for s in source.samples if s.split == split]
        theirs = [
            row["file_name"].decode()
            for row in prepared.as_dataset(split).as_numpy_iterator()
        ]
        assert sorted(names) == sorted(theirs)


def test_pictures_of_ilsvrc_get_their_canonical_keys(tmp_path):
    data = pictures()
    rows = [("n01440764_7.JPEG", 0, data[0]), ("n01443537_8.JPEG", 1, data[1])]
    answers = [("ILSVRC2012_val_00000293.JPEG", 0, data[2])]
    labels = ["n01440764", "n01443537"]
    builder = prepare(tmp_path, labels, train=rows, validation=answers)
    source = open_source(f"tfds:{builder.data_dir}")
    assert [s.key for s in source.samples] == [
        "train/n01440764/n01440764_7.JPEG",
        "train/n01443537/n01443537_8.JPEG",
        "val/ILSVRC2012_val_00000293.JPEG",
    ]
    assert (source.label_order, source.words[1]) == (
        "sorted_wnid",
        "goldfish, Carassius auratus",
    )


def test_records_without_names_are_numbered(tmp_path):
    rows = [("", i % 2, png) for i, png in enumerate(pictures())]
    source = open_source(prepare(tmp_path, names=False, train=rows).data_dir)
    assert [s.key for s in source.samples] == [f"train/{i:08d}" for i in range(7)]
    assert source.validation_fraction == 0.1


def test_another_file_format_says_what_to_do(tmp_path):
    rows = [("a.png", 0, pictures()[0])]
    builder = prepare(tmp_path, file_format="array_record", train=rows)
    with pytest.raises(DatasetError, match="--file_format=tfrecord"):
        open_source(builder.data_dir)


def test_a_dataset_that_does_not_exist_is_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    with pytest.raises(DatasetError, match="cannot give") as caught:
        open_source(f"tfds:{tmp_path / 'none'}")
    assert "\n" not in str(caught.value)


def test_a_cut_record_file_is_an_error(prepared, tmp_path):
    copy = tmp_path / "tiny" / "1.0.0"
    shutil.copytree(prepared.data_dir, copy)
    shard = next(Path(copy).glob("*train*"))
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-10])
    with pytest.raises(DatasetError, match="damaged"):
        open_source(copy)
    size = int.from_bytes(whole[:8], "little")
    shard.write_bytes(whole[: size + 16])
    with pytest.raises(DatasetError, match="Expected 4 records .* found 1"):
        open_source(copy)
