import json
import re
import shutil

import pytest

from keras_alexnet import load
from keras_alexnet.export.agreement import Agreement
from keras_alexnet.export.model_card import card
from keras_alexnet.export.onnx import ONNX
from keras_alexnet.export.pictures import export_pictures

FOUND = Agreement("all 12 pictures", 12, 1.25e-6, 11, (0.25, 0.5))


@pytest.fixture(scope="module")
def network(run, tmp_path_factory):
    """A copy of the run, that nobody has evaluated."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    shutil.copytree(run, folder, ignore=shutil.ignore_patterns("metrics.json"))
    return load(folder)


@pytest.fixture(scope="module")
def text(network):
    return card(export_pictures(network), ONNX, FOUND, 12.34)


def test_the_head_is_what_the_hub_reads(text):
    lines = text.splitlines()
    assert lines[0] == "---" and lines.index("---", 1) > 5
    head = lines[1 : lines.index("---", 1)]
    assert "pipeline_tag: image-classification" in head
    assert 'datasets: ["small"]' in head and "license: other" in head


def test_it_says_what_was_measured_and_how_it_learnt(text, network):
    assert (
        "all 12 pictures: the likeliest class is that of Keras for 11 (91.7%)" in text
    )
    assert "top-1 error 50.0%, of Keras 25.0%" in text and "12.3 MB" in text
    seed = network.config.preset.recipe.seed
    assert f"| seed | {seed} |" in text and "| learnt from | small |" in text
    assert "| accuracy | not measured" in text and "model-index" not in text
    assert ONNX.example(network).rstrip() in text


def test_figures_of_evaluate_are_quoted_the_last_of_each_kind(network):
    figure = {"split": "test", "views": 10, "images": 1234, "data": "/some/photos"}
    lines = [
        {**figure, "top1_error": top1, "top5_error": 0.125} for top1 in (0.9, 0.375)
    ]
    path = network.path / "metrics.json"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    text = card(export_pictures(network), ONNX, FOUND, 1.0)
    assert "| test, 1,234 pictures, 10 view(s) | top-1 error 37.50%, top-5" in text
    assert 'value: 0.625, name: "top-1 accuracy, 10 view(s)"' in text
    assert text.count("task:") == 1 and '"small"' in text


def test_names_that_are_markup_stay_text(network, monkeypatch):
    evil = ["a|b`c`", "<script>alert(1)</script>", "x\ny"]
    monkeypatch.setattr(network, "labels", evil)
    text = card(export_pictures_of(network), ONNX, FOUND, 1.0)
    assert "<script>" not in text and "a\\|b\\`c\\`" in text
    assert re.search(r"^\| classes \| 3: .*x\\\\ny \|$", text, re.MULTILINE)


def export_pictures_of(network):
    """Pictures of no dataset, which would not fit such names."""
    from tests.keras_alexnet.export.test_pictures import moved

    return export_pictures(moved(network))
