"""Fails when Keras changes what our code overrides or repeats."""

import hashlib
import inspect

import keras
import pytest
from keras.src.backend.tensorflow import trainer
from keras.src.backend.tensorflow.optimizer import TFOptimizer
from keras.src.losses import loss as loss_module
from keras.src.optimizers.loss_scale_optimizer import LossScaleOptimizer
from keras.src.trainers.trainer import Trainer

TENSORFLOW = trainer.TensorFlowTrainer

SOURCES = {
    "distributed_model.py": {
        TENSORFLOW._maybe_symbolic_build: "92a504f5eba9b29f",
        TENSORFLOW.train_step: "debf0efab9d5794b",
        TENSORFLOW.test_step: "a8f04a25512e74e2",
        TENSORFLOW._make_function: "bb33b7a0da3d2740",
        trainer.reduce_per_replica: "2e7d54b1e6edc29a",
        Trainer._symbolic_build: "96220cc3b88fe768",
        Trainer._compute_loss: "13153b89c765b0d6",
        Trainer._get_metrics_result_or_logs: "1c7ab4a2c8e61868",
        loss_module.reduce_values: "60b0462147725ad2",
        loss_module.scale_loss_for_distribution: "143cd8a5efb6cb17",
        loss_module.unscale_loss_for_distribution: "3903c7ed7f69c5ac",
    },
    "optimizer.py": {
        TFOptimizer._all_reduce_sum_gradients: "953512efa56c9680",
        TFOptimizer._backend_update_step: "00bd759c099a6b72",
        TFOptimizer.add_variable_from_reference: "fa3499082002f562",
    },
    "loss_scale.py": {
        LossScaleOptimizer._tf_apply: "e702c4db1a0622e3",
        LossScaleOptimizer._common_apply: "4bb166c7e69089d7",
        LossScaleOptimizer._stateful_handle_finite_grads: "6e4577e03d1ef28d",
        LossScaleOptimizer.check_finite: "b0ce693a4ff0133b",
    },
}
CASES = [
    pytest.param(file, function, digest, id=f"{file}-{function.__name__}")
    for file, functions in SOURCES.items()
    for function, digest in functions.items()
]


@pytest.mark.parametrize(("file", "function", "expected"), CASES)
def test_keras_has_not_changed_what_we_rest_on(file, function, expected):
    source = inspect.getsource(function).encode()
    found = hashlib.sha256(source).hexdigest()[:16]
    assert found == expected, (
        f"Keras {keras.__version__} has another {function.__qualname__} than 3.15, on "
        f"which keras_alexnet/training/{file} rests. Read the new one, adapt the file "
        "(DistributedModel may no longer be needed: keras issue 20585), run `pytest -m "
        f"slow tests/training`, then put the new digest {found} here and raise the "
        "bound of Keras in setup.cfg."
    )
