import numpy as np
import pytest

from keras_alexnet.evaluation.result import Evaluation
from keras_alexnet.report.calibration import calibration_section
from keras_alexnet.report.chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH
from keras_alexnet.report.reported_run import ReportedRun


def test_bars_are_the_accuracy_of_their_bins():
    sure = np.array([0.9, 0.9, 0.9, 0.9, 0.5])
    probabilities = np.stack([sure, 1 - sure], axis=1)
    truth = np.array([0, 0, 0, 1, 0])  # three of four, and one of one
    found = Evaluation.count(probabilities, truth, ["a", "b"], {})
    (section,) = calibration_section([ReportedRun("run", None, [], {1: found})])
    assert section["ece"] == pytest.approx((4 * 0.15 + 0.5) / 5)
    assert [each.images for each in section["bins"]] == [1, 4]
    half, nine = section["chart"].bars
    high = HEIGHT - TOP - BOTTOM
    assert half.height == high and nine.height == pytest.approx(0.75 * high, abs=0.1)
    width = (WIDTH - LEFT - RIGHT) / 15
    assert nine.width == pytest.approx(width, abs=0.1)
    assert nine.left == pytest.approx(LEFT + 13 * width, abs=0.1)
    assert nine.text == "4 pictures, 90.0% sure, 75.0% right"
    assert "82.0% sure and 80.0% right" in section["chart"].says
