import functools

import numpy as np
import pytest

import keras_alexnet
from keras_alexnet.benchmark import inference, step
from keras_alexnet.benchmark.inference import InferenceOptions
from keras_alexnet.models import alexnet
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
    small_one = functools.partial(alexnet, **small.NETWORK)
    monkeypatch.setattr("keras_alexnet.models.alexnet", small_one)
    timed = []

    def measured(kind, precision, calls, needed, options):
        timed.extend([call() for call in calls])
        return []

    monkeypatch.setattr(inference, "beside_stock", measured)
    options = InferenceOptions(precision="float32", batch_size=2)
    assert isinstance(options, step.StepOptions)
    assert inference.measure(options).subject == "inference"
    assert timed[0] == pytest.approx(timed[1], rel=1e-3)
