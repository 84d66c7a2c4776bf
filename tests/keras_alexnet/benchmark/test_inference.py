import keras
import numpy as np
import pytest

import keras_alexnet
from keras_alexnet.benchmark import inference, operations, step
from keras_alexnet.benchmark.inference import InferenceOptions
from tests import small
from tests.reference import network_bound, relative


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
    monkeypatch.setattr(operations, "matrix_product", lambda precision: lambda: 0.0)
    monkeypatch.setattr(step, "mean_seconds", lambda call: call)
    answers = {}

    def in_turn(works, *_, **options):
        answers.update({name: work() for name, work in works.items()})
        return dict.fromkeys(works, [1.0])

    monkeypatch.setattr(step, "seconds_in_turn", in_turn)
    options = InferenceOptions(precision="float32", batch_sizes=(2,))
    record = inference.measure(options)
    assert record.subject == "inference"
    assert record.value("inference, float32, batch 2") == 2
    assert answers["ours"] == pytest.approx(answers["stock"], rel=1e-3)


def test_an_answer_compiled_by_xla_is_that_of_the_network():
    images = keras.random.normal((2, small.INPUT, small.INPUT, 3), 0, 60, seed=2)
    model = keras_alexnet.alexnet("paper", 3, seed=1, **small.NETWORK)
    found = inference.repeated_answer(model, images, xla=True)(2)
    logits = model(images, training=False).numpy()
    limit = 2 * network_bound("float32", small.TERMS, steps=20)
    assert abs(found - logits[0, 0]) < limit * np.abs(logits).max()
