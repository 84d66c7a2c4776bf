import re

import keras
import pytest
import tensorflow as tf

from keras_alexnet.layers import (
    InMapResponseNormalization,
    LocalResponseNormalization,
)
from keras_alexnet.layers.dense import Dense
from keras_alexnet.layers.gradient_scope import gradient_scope


def traced_names(layer, shape):
    """Names of the operations of a layer's gradient."""
    model = keras.Sequential([keras.Input(shape), layer])

    @tf.function
    def gradients(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = model(x)
        return tape.gradient(y, [x, *model.trainable_variables])

    graph = gradients.get_concrete_function(tf.ones((2, *shape))).graph
    return [operation.name for operation in graph.get_operations()]


@pytest.mark.parametrize(
    ("layer", "shape", "least"),
    [
        (lambda: LocalResponseNormalization(name="mine"), (3, 3, 8), 5),
        (lambda: InMapResponseNormalization(name="mine"), (3, 3, 8), 5),
        (lambda: Dense(4, activation="relu", name="mine"), (6,), 4),
    ],
    ids=["lrn", "in map", "dense"],
)
def test_gradients_bear_the_name_of_their_layer(layer, shape, least):
    names = traced_names(layer(), shape)
    mine = [name for name in names if re.match(r"gradient_tape/.*mine", name)]
    assert len(mine) >= least
    other = [name for name in names if re.match(r"(mat)?mul|truediv|add|MatMul", name)]
    assert other == []


def test_outside_of_a_layer_nothing_is_named():
    with gradient_scope()():
        assert tf.get_current_name_scope() == ""
    with tf.name_scope("a"):
        named = gradient_scope()
    with tf.name_scope("b"), named():
        assert tf.get_current_name_scope() == "gradient_tape/a"
