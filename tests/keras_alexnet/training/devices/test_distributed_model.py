from collections import Counter

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.src.backend.tensorflow import trainer
from keras.src.losses import loss as loss_module
from keras.src.trainers.trainer import Trainer

from keras_alexnet.data import (
    PixelBatch,
    eval_dataset,
    evaluation_batches,
    train_dataset,
    training_batches,
)
from keras_alexnet.data.mean import load_statistics, mean_patch
from keras_alexnet.layers.kernel_forms import KernelForms, use_forms
from keras_alexnet.training.compile import compile_network
from keras_alexnet.training.devices.distributed_model import DistributedModel
from keras_alexnet.training.update.metrics import TopKError
from tests import small
from tests.keras_alexnet.training.conftest import check_sources
from tests.reference import relative, rounding_bound, training_bound
from tests.tools import logical_devices
from tests.tools.host_waits import host_waits, without_kernel


def network(colocate=False, optimizer=None):
    """A small classifier of 5 numbers; the same initial weights every time."""
    inputs = keras.Input((5,))
    hidden = keras.layers.Dense(
        7, "tanh", kernel_initializer=keras.initializers.RandomNormal(seed=1)
    )(inputs)
    logits = keras.layers.Dense(
        3, kernel_initializer=keras.initializers.RandomNormal(seed=2)
    )(hidden)
    model = DistributedModel(inputs, logits, name="small")
    model.colocate = colocate
    model.compile(
        optimizer or keras.optimizers.SGD(0.5, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        weighted_metrics=[TopKError(1, name="error")],
        jit_compile=False,
    )
    return model


@pytest.fixture
def examples():
    generator = np.random.default_rng(3)
    images = generator.normal(size=(20, 5)).astype("float32")
    return images, generator.integers(0, 3, 20)


def fitted(model, examples):
    history = model.fit(*examples, batch_size=5, epochs=3, shuffle=False, verbose=0)
    return model.get_weights(), history.history


def test_on_one_device_it_is_a_plain_model(examples):
    plain = keras.Model(*(lambda m: (m.input, m.output))(network()))
    plain.compile(
        keras.optimizers.SGD(0.5, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[TopKError(1, name="error")],
        jit_compile=False,
    )
    weights, history = fitted(plain, examples)
    own, logs = fitted(network(), examples)
    for first, second in zip(weights, own, strict=True):
        np.testing.assert_array_equal(first, second)
    assert logs == history


@pytest.mark.parametrize("scaled", [False, True])
def test_colocated_gradients_are_those_of_the_tape(examples, scaled):
    def optimizer():
        inner = keras.optimizers.SGD(0.5, momentum=0.9)
        return keras.optimizers.LossScaleOptimizer(inner) if scaled else inner

    weights, history = fitted(network(optimizer=optimizer()), examples)
    own, logs = fitted(network(True, optimizer()), examples)
    limit = training_bound("float32", (5, 7), steps=12)
    for first, second in zip(weights, own, strict=True):
        assert relative(first, second) < limit
    np.testing.assert_allclose(logs["loss"], history["loss"], rtol=limit)
    assert logs["error"] == history["error"]


CLASS_WEIGHTS = np.array([0.25, 1.0, 3.0], "float32")


def step_by_hand(weights, images, labels, of_pictures, rate=0.5):
    """Return loss and weights of a step in float64, each picture times its weight."""
    (kernel, bias, head, head_bias), rows = map_float64(weights), np.arange(len(labels))
    hidden = np.tanh(images @ kernel + bias)
    exponents = np.exp(hidden @ head + head_bias)
    slopes = exponents / exponents.sum(axis=1, keepdims=True)
    loss = np.mean(of_pictures * -np.log(slopes[rows, labels]))
    slopes[rows, labels] -= 1
    slopes *= of_pictures[:, None] / len(labels)
    back = slopes @ head.T * (1 - hidden**2)
    gradients = images.T @ back, back.sum(0), hidden.T @ slopes, slopes.sum(0)
    pairs = zip((kernel, bias, head, head_bias), gradients, strict=True)
    return loss, [weight - rate * gradient for weight, gradient in pairs]


def map_float64(arrays):
    return [np.asarray(array, np.float64) for array in arrays]


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("colocate", [False, True])
def test_class_weights_multiply_the_losses_of_training_alone(
    examples, colocate, scaled
):
    images, labels = examples
    optimizer = keras.optimizers.SGD(0.5)
    if scaled:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    plain = network().evaluate(images, labels, verbose=0, return_dict=True)
    model = network(colocate, optimizer)
    model.class_weights = CLASS_WEIGHTS
    assert model.evaluate(images, labels, verbose=0, return_dict=True) == plain
    first = model.get_weights()
    loss, expected = step_by_hand(first, images, labels, CLASS_WEIGHTS[labels])
    logs = model.fit(images, labels, batch_size=20, shuffle=False, verbose=0).history
    assert logs["error"] == [plain["error"]]
    limit = training_bound("float32", (5, 7, 20), steps=1)
    assert logs["loss"][0] == pytest.approx(loss, rel=limit)
    _, unweighted = step_by_hand(first, images, labels, np.ones(20))
    ends = zip(model.get_weights(), expected, unweighted, strict=True)
    for found, own, other in ends:
        assert relative(found, own) < limit < relative(other, own) / 100


@pytest.mark.parametrize("colocate", [False, True])
def test_classes_that_all_weigh_one_change_no_bit(examples, colocate):
    plain, weighted = network(colocate), network(colocate)
    weighted.class_weights = np.ones(3, "float32")
    weights, history = fitted(plain, examples)
    others, logs = fitted(weighted, examples)
    assert history == logs
    for first, second in zip(weights, others, strict=True):
        np.testing.assert_array_equal(first, second)


def test_weights_of_classes_and_of_pictures_multiply(examples):
    images, labels = examples
    of_pictures = np.linspace(0.1, 2, 20)
    model = network(optimizer=keras.optimizers.SGD(0.5))
    model.class_weights = CLASS_WEIGHTS
    both = CLASS_WEIGHTS[labels] * of_pictures
    _, expected = step_by_hand(model.get_weights(), images, labels, both)
    model.fit(images, labels, 20, sample_weight=of_pictures, shuffle=False, verbose=0)
    limit = training_bound("float32", (5, 7, 20), steps=1)
    for found, own in zip(model.get_weights(), expected, strict=True):
        assert relative(found, own) < limit


def test_pictures_of_weight_zero_do_not_count(examples):
    images, labels = examples
    model = network()
    expected = model.evaluate(images, labels, verbose=0, return_dict=True)
    filled = np.concatenate([images, np.zeros((12, 5), "float32")])
    rest = np.concatenate([labels, np.zeros(12, int)])
    weights = np.repeat([1.0, 0.0], [20, 12]).astype("float32")
    # Batches of full, of mixed and of no weight.
    batches = tf.data.Dataset.from_tensor_slices((filled, rest, weights)).batch(8)
    found = model.evaluate(batches, verbose=0, return_dict=True)
    assert found["error"] == expected["error"]
    assert found["loss"] == pytest.approx(
        expected["loss"], rel=2 * rounding_bound("float32", 20, steps=20)
    )
    assert float(model.metrics[0].count.value) == 20


@pytest.mark.parametrize(
    "precision", ["float32", pytest.param("mixed_bfloat16", marks=pytest.mark.bfloat16)]
)
def test_crops_train_as_the_images_that_become_of_them(dataset, precision):
    options = {"batch_size": 8, "input_size": small.INPUT}
    ends = []
    streams = (train_dataset, eval_dataset), (training_batches, evaluation_batches)
    for training, evaluation in streams:
        mean = mean_patch(load_statistics(dataset), small.INPUT)
        model = compile_network(small.preset(precision=precision), 3, mean=mean)
        history = model.fit(
            training(dataset, **options),
            validation_data=evaluation(dataset, **options),
            steps_per_epoch=4,
            shuffle=False,
            verbose=0,
        ).history
        ends.append((model.get_weights(), history))
    (weights, history), (others, other_history) = ends
    assert history == other_history and "val_loss" in history
    for first, second in zip(weights, others, strict=True):
        np.testing.assert_array_equal(first, second)


IN_TOWERS = """
from keras_alexnet.data import PixelBatch
from keras_alexnet.training.compile import compile_network
from keras_alexnet.training.devices.plan import DevicePlan
from tests import small

generator = np.random.default_rng(5)
side = (small.INPUT, small.INPUT, 3)
mean = generator.normal(120, 30, side).astype("float32")
crops = PixelBatch(
    tf.constant(generator.integers(0, 256, (4, *side), "uint8")),
    tf.constant(generator.normal(0, 20, (4, 3)), tf.float32),
    tf.constant(0.9),
)
ends = []
for images in (crops, crops.normalized(mean), PixelBatch.without_noise(crops.images)):
    plan = DevicePlan(towers=("CPU:0", "CPU:1"))
    model = compile_network(small.preset(learning_rate=0.01), 3, plan, mean)
    data = tf.data.Dataset.from_tensors((images, np.array([0, 1, 2, 0])))
    model.fit(data.repeat(2), verbose=0)
    ends.append((model.get_weights(), model.evaluate(data, verbose=0)))
(weights, loss), *others = ends
result = [
    loss == other_loss and all(map(np.array_equal, weights, other_weights))
    for other_weights, other_loss in others
]
"""


def test_each_tower_makes_the_same_images_of_the_crops():
    same, without_colour = logical_devices.run(IN_TOWERS)
    assert same and not without_colour


def step_graph(forms):
    model = compile_network(small.preset(), 3, mean=np.zeros(3))
    model.class_weights = CLASS_WEIGHTS
    batch = PixelBatch.without_noise(
        tf.zeros((4, small.INPUT, small.INPUT, 3), tf.uint8)
    )
    labels = tf.zeros(4, tf.int64)
    model.evaluate(tf.data.Dataset.from_tensors((batch, labels)), verbose=0)
    with use_forms(forms):
        step = tf.function(lambda *batch: model.train_step(batch), autograph=False)
        return step.get_concrete_function(batch, labels).graph


ON_GPU = KernelForms(product_norm=True, split_groups=True)
BRANCHES = KernelForms(True, True, branched_update=True, host_seeds=True)


@pytest.mark.parametrize(
    ("forms", "waits"), [(ON_GPU, {}), (BRANCHES, {"If": 16, "StatelessRandom": 2})]
)
def test_no_step_waits_for_the_host_of_a_gpu(forms, waits):
    """Each update of a weight did, each dropout, and twice each metric."""
    graph = step_graph(forms)
    found = Counter(wait.split(" <- ")[0] for wait in host_waits(graph))
    names = {"If": "If", "StatelessRandomGetKeyCounter": "StatelessRandom"}
    assert {names.get(each, each): n for each, n in found.items()} == waits
    assert without_kernel(graph) == set()


def test_keras_has_not_changed_what_it_rests_on():
    tensorflow = trainer.TensorFlowTrainer
    check_sources(
        "devices/distributed_model.py",
        {
            tensorflow._maybe_symbolic_build: "92a504f5eba9b29f",
            tensorflow.train_step: "debf0efab9d5794b",
            tensorflow.test_step: "a8f04a25512e74e2",
            tensorflow._make_function: "bb33b7a0da3d2740",
            trainer.reduce_per_replica: "2e7d54b1e6edc29a",
            Trainer._symbolic_build: "96220cc3b88fe768",
            Trainer._compute_loss: "13153b89c765b0d6",
            Trainer._get_metrics_result_or_logs: "1c7ab4a2c8e61868",
            loss_module.reduce_values: "60b0462147725ad2",
            loss_module.scale_loss_for_distribution: "143cd8a5efb6cb17",
            loss_module.unscale_loss_for_distribution: "3903c7ed7f69c5ac",
        },
    )
