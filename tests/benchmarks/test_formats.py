import numpy as np
import pytest

from keras_alexnet import load
from keras_alexnet.export.pictures import export_pictures
from scripts.benchmarks import formats
from scripts.benchmarks.formats import FormatsOptions


def test_each_format_is_compared_and_timed(run, dataset, monkeypatch):
    monkeypatch.setattr(formats, "FORMATS", ("keras", "safetensors"))
    monkeypatch.setattr(formats, "BATCHES", (2,))
    monkeypatch.setattr(formats, "ROUNDS", 1)
    found = formats.measure(FormatsOptions(dataset, (run,)))
    values = {figure.name: figure.value for figure in found.figures}
    assert values["run, safetensors: largest difference"] == 0
    assert values["run, safetensors, batch 2"] > 0 and "run, keras, batch 2" in values


def test_a_format_that_is_refused_is_a_figure_too(run, dataset, monkeypatch):
    pictures = export_pictures(load(run), data=dataset)
    monkeypatch.setattr(formats, "FORMATS", ("keras", "none"))
    *_, last = formats.format_figures("run", pictures, speed=False)
    assert (last.value, last.beside[:7]) == (None, "Unknown")


def test_random_networks_have_many_answers(dataset, monkeypatch):
    network = formats.random_network("cifar-quick", dataset)
    images = np.random.default_rng(1).normal(0, 60, (60, 32, 32, 3)).astype("float32")
    formats.spread_answers(network, images)
    logits = network.model.predict(images, verbose=0)
    assert logits.std(axis=0) == pytest.approx([3.0] * 3, rel=0.01)
    assert len({*logits.argmax(axis=1)}) == 3
