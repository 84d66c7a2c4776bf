import json

import pytest

from keras_alexnet.figures.reliability import draw, read_calibration
from tests.keras_alexnet.figures.conftest import texts
from tfrecords.errors import UserError

BINS = [
    {"low": 0.0, "high": 0.5, "images": 0, "confidence": None, "accuracy": None},
    {"low": 0.5, "high": 0.75, "images": 40, "confidence": 0.7, "accuracy": 0.6},
    {"low": 0.75, "high": 1.0, "images": 1200, "confidence": 0.9, "accuracy": 0.95},
]
CALIBRATION = {"bins": BINS, "ece": 0.0516}


@pytest.fixture
def evaluation(tmp_path):
    path = tmp_path / "evaluation.json"
    path.write_text(json.dumps({"calibration": CALIBRATION}))
    return path


def test_bars_are_accuracies_and_marks_confidences(evaluation, drawn, tmp_path):
    draw([evaluation], tmp_path / "out.png")
    upper, lower = drawn[0].axes
    bars = [(b.get_x(), b.get_width(), b.get_height()) for b in upper.patches]
    assert bars == [(0.5, 0.25, 0.6), (0.75, 0.25, 0.95)]
    (marks,) = [line for line in upper.lines if line.get_marker() == "D"]
    assert marks.get_xydata().tolist() == [[0.7, 0.7], [0.9, 0.9]]
    assert [bar.get_height() for bar in lower.patches] == [0, 40, 1200]
    assert texts(drawn[0]) == ["0", "40", "1,200"]
    assert upper.get_title("left") == "ECE 0.0516"
    assert "1,240 pictures in 3 bins" in drawn[0].texts[0].get_text()


@pytest.mark.parametrize(
    "change",
    [
        {"bins": []},
        {"bins": BINS[:1]},
        {"bins": [{**BINS[1], "accuracy": 1.1}]},
        {"bins": [{**BINS[1], "confidence": None}]},
        {"bins": [{**BINS[1], "low": 0.75}]},
        {"bins": [{**BINS[1], "images": -1}]},
        {"bins": [{**BINS[1], "images": "many"}]},
        {"bins": [{"low": 0.5}]},
        {"ece": None},
    ],
)
def test_other_calibrations_are_refused(change, tmp_path):
    with pytest.raises(UserError, match="Expected calibration in .*evaluation.json"):
        read_calibration({**CALIBRATION, **change}, tmp_path / "evaluation.json")


def test_an_evaluation_of_before_has_none(tmp_path):
    path = tmp_path / "evaluation.json"
    path.write_text(json.dumps({"confusion": [[1]]}))
    with pytest.raises(UserError, match="Expected 'calibration' in .*Evaluate again"):
        draw([path], tmp_path / "out.png")
