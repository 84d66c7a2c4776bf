import numpy as np

import keras_alexnet
from scripts.benchmarks import exports
from tests.reference import relative
from tests.small import probability_bound


def test_the_folder_of_a_network_gives_its_probabilities(tmp_path, settings):
    job = {**settings().job("inference", "float32", 2), "classes": 3}
    job |= exports.write_network(job, tmp_path)
    exports.write_run(job, tmp_path / "run")
    network = keras_alexnet.load(tmp_path / "run")
    model = exports.build(job)
    exports.load_weights(model, job["weights"])
    images = np.load(job["images"])
    logits = model(images, training=False).numpy().astype(float)
    assert 0.1 < logits.std() < 100  # activations keep their spread
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert relative(network.probabilities(images), expected) < probability_bound()
    assert network.labels == ["class 0", "class 1", "class 2"]
