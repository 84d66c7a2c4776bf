import keras
import numpy as np

from keras_alexnet import alexnet
from keras_alexnet.benchmark import repeated_step as steps
from keras_alexnet.benchmark.repeated_step import repeated_step
from tests import small
from tests.reference import relative, training_bound


def linear():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.layers[0].set_weights([np.arange(6.0).reshape(3, 2) / 10, np.zeros(2)])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    return model


def test_every_call_is_one_step_on_the_same_batch():
    images = np.arange(12, dtype="float32").reshape(4, 3) / 10
    labels = np.ones((4, 2), "float32")
    kernel, bias = linear().get_weights()
    model = linear()
    step = repeated_step(model, (images, labels))
    losses = []
    limit = training_bound("float32", (8,), steps=3)  # of a sum of 8 errors
    for _ in range(3):
        error = images @ kernel + bias - labels
        losses.append(np.mean(error**2))
        np.testing.assert_allclose(step(), np.mean(losses), rtol=limit)
        # The gradient of the mean over all 8 outputs.
        kernel = kernel - 0.1 * 2 * images.T @ error / error.size
        bias = bias - 0.1 * 2 * error.sum(axis=0) / error.size
    assert relative(model.get_weights()[0], kernel) < limit
    assert relative(model.get_weights()[1], bias) < limit


def test_stock_keras_has_the_weights_and_the_recipe_of_ours():
    preset = small.preset(learning_rate=0.002, momentum=0.8)
    ours = alexnet(preset, 3, seed=1)
    stock = steps.stock_network(
        preset, 3, lambda model: model.set_weights(ours.get_weights())
    )
    assert stock.optimizer.learning_rate == np.float32(0.002)
    assert stock.optimizer.momentum == 0.8
    assert relative(stock.get_weights()[0], ours.get_weights()[0]) == 0
    images, labels = steps.noise(4, small.INPUT, 3)
    assert images.shape == (4, small.INPUT, small.INPUT, 3)
    assert labels.numpy().tolist() == [0, 1, 2, 0]
    assert np.std(images) > 55
