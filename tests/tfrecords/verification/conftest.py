"""A small dataset to damage, and what is then found."""

import json
import shutil

import pytest
import tensorflow as tf

import tfrecords
from tests.tfrecords.conftest import write_tree
from tfrecords.building.shard import describe

OPTIONS = {"size": 32, "processes": 1, "shards": 2, "name": "tiny", "progress": False}


SHARD = "tiny-train.tfrecord-00001-of-00002"


@pytest.fixture(scope="module")
def pristine(good_tree, tmp_path_factory):
    out = tmp_path_factory.mktemp("pristine") / "tiny"
    tfrecords.build(good_tree, out, **OPTIONS)
    return out


@pytest.fixture
def dataset(pristine, tmp_path):
    return shutil.copytree(pristine, tmp_path / "tiny")


def verify(directory, processes=1):
    return tfrecords.verify(directory, processes=processes, progress=False)


def only_problem(directory):
    report = verify(directory)
    assert not report.ok
    assert len(report.problems) == 1, report.problems
    assert "\n" not in report.problems[0]
    return report.problems[0]


def change_manifest(directory, change):
    path = directory / "manifest.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def rewrite(directory, change, file=SHARD):
    """Replace a shard's records and make the manifest agree about its bytes."""
    path = directory / file
    examples = [
        tf.train.Example.FromString(serialised)
        for serialised in tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    ]
    change(examples)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for example in examples:
            writer.write(example.SerializeToString())
    found = describe(path, file, len(examples))
    (directory / "offsets.npz").unlink()

    def agree(document):
        document["sha256"] = {}
        for shards in document["splits"].values():
            shards[:] = [vars(found) if s["file"] == file else s for s in shards]

    change_manifest(directory, agree)


@pytest.fixture(scope="module")
def leaking(tmp_path_factory):
    """A picture three times in one split, and one in both under two labels."""
    root = write_tree(tmp_path_factory.mktemp("in") / "tree")
    cat, other = root / "train" / "cat", root / "val" / "n01440764"
    for name in ("again.JPEG", "once more.JPEG"):
        shutil.copy(cat / "0.JPEG", cat / name)
    shutil.copy(cat / "1.JPEG", other / "leak.JPEG")
    out = tmp_path_factory.mktemp("out") / "tiny"
    tfrecords.build(root, out, **OPTIONS)
    return out
