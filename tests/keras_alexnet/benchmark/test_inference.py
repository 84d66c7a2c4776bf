import numpy as np
import pytest

import keras_alexnet
from keras_alexnet.benchmark import inference, step
from keras_alexnet.benchmark.inference import InferenceOptions
from tests import small
from tests.reference import relative


@pytest.mark.parametrize("runtime", ["tensorflow", "openvino"])
def test_served_answers_are_those_of_the_network(run, runtime):
    if runtime == "openvino":
        pytest.importorskip("openvino")
    shape = (3, small.INPUT, small.INPUT, 3)
    images = 60 * np.random.default_rng(0).standard_normal(shape, "float32")
    found = inference.served(run, runtime, "float32")(images)
    expected = keras_alexnet.load(run).probabilities(images)
    assert relative(found, expected) < small.probability_bound()


def test_forward_passes_of_ours_and_stock_keras_are_timed(monkeypatch):
    monkeypatch.setattr(step, "find_preset", small.preset)
    ours, stock = [], []

    def in_turn(works, *_):
        ours.append(works["ours"].__self__.call())
        stock.append(works["stock"].__self__.call())
        return dict.fromkeys(works, [1.0])

    monkeypatch.setattr(step, "seconds_in_turn", in_turn)
    record = inference.measure(InferenceOptions(precision="float32", batch_size=2))
    assert record.subject == "inference" and record.value("inference, float32") == 2
    assert ours == pytest.approx(stock, rel=1e-3)
