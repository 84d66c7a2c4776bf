"""The bytes that a step keeps, counted in the graph that TensorFlow traced."""

import pytest
import tensorflow as tf

from keras_alexnet.models.memory import (
    NetworkMemory,
    inference_memory,
    kept_bytes,
    training_memory,
)
from keras_alexnet.presets import PRESETS
from keras_alexnet.training.compile import compile_network

CLASSES = 7
SHAPES = {"input_size": 67, "filters": (8, 16, 24, 16, 8), "units": 16}
UNIFORM = {"weight_std": (0.01,) * 8}


def buffer(tensor):
    """Return the tensor whose memory a tensor has."""
    while tensor.op.type in ("Reshape", "Identity", "IdentityN", "Squeeze"):
        same = tensor.value_index if tensor.op.type == "IdentityN" else 0
        tensor = tensor.op.inputs[same]
    return tensor


def kept_in_graph(model, batch):
    """Add up what the loss is made of and something later than the loss reads."""
    shape = (batch, *model.inputs[0].shape[1:])
    images, labels = tf.zeros(shape), tf.zeros((batch,), tf.int64)
    step = tf.function(model.train_step, autograph=False)
    operations = step.get_concrete_function((images, labels)).graph.get_operations()
    left = [o for o in operations if o.type == "SparseSoftmaxCrossEntropyWithLogits"]
    assert len(left) == 1
    forward = set()
    while left:
        operation = left.pop()
        if operation not in forward:
            forward.add(operation)
            left += [tensor.op for tensor in operation.inputs]
    later = [o for o in operations if o not in forward and "Shape" not in o.type]
    kept = {buffer(tensor).ref() for o in later for tensor in o.inputs}
    kept = [tensor.deref() for tensor in kept]
    return sum(
        tensor.shape.num_elements() * tensor.dtype.size
        for tensor in kept
        if tensor.op in forward and (tensor.dtype.is_floating or tensor.dtype.is_bool)
    )


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("released", {}),
        ("released", {"precision": "mixed_float16"}),
        ("paper", {"pooling": "non_overlapping", "activation": "tanh"}),
        ("caffenet", {"precision": "mixed_float16", "dropout": None}),
        ("one_weird_trick", {"groups": (1, 2, 1, 2, 2)}),
        ("one_gpu", {"precision": "mixed_float16", "lrn": False}),
    ],
)
def test_what_is_kept_is_what_the_graph_keeps(name, fields):
    preset = PRESETS[name].replace(**{**SHAPES, **UNIFORM, **fields})
    model = compile_network(preset, CLASSES)
    two, four = (kept_in_graph(model, batch) for batch in (2, 4))
    loss = 4  # bytes, of each image
    assert (four - two) // 2 == kept_bytes(preset, CLASSES) + loss


def test_the_fixed_part_is_weights_velocities_gradients_and_an_update():
    weights, largest = 60_965_224, 9216 * 4096
    wide = PRESETS["released"]
    assert training_memory(wide).fixed == 12 * weights + 4 * 4 * largest
    narrow = training_memory(wide.replace(precision="mixed_bfloat16"))
    assert narrow.fixed == 16 * weights + 4 * 4 * largest
    assert inference_memory(wide).fixed == 4 * weights


def test_an_image_is_what_is_kept_and_what_comes_and_goes():
    preset = PRESETS["paper"]
    conv1, picture = 4 * 55 * 55 * 96, 224 * 224 * 3
    kept = kept_bytes(preset)
    assert training_memory(preset).image == kept + 4 * conv1 + 5 * picture
    assert inference_memory(preset).image == 5 * conv1 + 5 * picture


@pytest.mark.parametrize(
    ("bytes_", "count"), [(0, 0), (100, 0), (109, 0), (110, 1), (159.9, 5)]
)
def test_as_many_images_fit_as_have_room_beside_the_weights(bytes_, count):
    assert NetworkMemory(fixed=100, image=10).images(bytes_) == count
