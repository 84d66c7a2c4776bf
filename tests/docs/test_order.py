"""What docs/order.md says: its three ways of `fit`, run, and its table, measured."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfrecords
from keras_alexnet.record import Record

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "order.md").read_text()
WAYS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
STEPS = 33  # of an epoch, as the third way says
KINDS = {
    "NumPy's `permutation`": "NumPy's permutation",
    **{f"R = {run}": f"runs of {run}" for run in (1, 8, 32, 64)},
    "before, a buffer of a tenth": "the buffer of before",
    "`index_shuffle`, 16 rounds": "TensorFlow's index_shuffle, 16 rounds",
}


class Watching(keras.Model):
    """Learns next to nothing, and notes the first pixel of every batch."""

    def __init__(self):
        super().__init__()
        self.seen = []
        self.weight = self.add_weight(shape=())
        self.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))

    def call(self, images):
        tf.py_function(lambda x: self.seen.append(float(x)), [images[0, 9, 9, 0]], [])
        pixels = tf.reshape(images, (-1, 28 * 28 * 3))[:, :10]
        return self.weight * pixels


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("docs")
    options = {"size": 32, "limit": 330, "processes": 1, "progress": False}
    manifest = tfrecords.build("digits", root / "data", **options)
    assert manifest.count("train") // 8 == STEPS
    return root


def test_the_three_ways_of_fit_see_the_same(folder, monkeypatch):
    monkeypatch.chdir(folder)
    seen = []
    for way in WAYS:
        variables = {"model": Watching()}
        exec(way, variables)
        seen.append(variables["model"].seen)
    assert len(seen) == 3 and seen[0] == seen[1] == seen[2]
    assert len(seen[0]) == 3 * STEPS
    epochs = np.reshape(seen[0], (3, STEPS))
    assert np.any(epochs[0] != epochs[1]) and np.any(epochs[1] != epochs[2])


def test_the_table_is_what_was_measured():
    record = Record.load(ROOT / "results" / "order" / "quality.json")
    rows = [line.strip("| ").split(" | ") for line in TEXT.splitlines() if "| " in line]
    assert [row[0] for row in rows[2:]] == list(KINDS)
    for name, *cells in rows[2:]:
        figures = ("place by record", "neighbours that stay", "in a batch again")
        for cell, figure in zip(cells, figures, strict=True):
            found = record.value(f"{KINDS[name]}: {figure}")
            digits = len(cell.partition(".")[2])
            assert float(cell.replace(",", "")) == round(found, digits), (name, figure)
