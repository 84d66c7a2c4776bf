import keras
import numpy as np
import pytest

from keras_alexnet import cifar_net, lenet5
from keras_alexnet.inference.grad_cam import GradCam, last_maps
from keras_alexnet.models.of_preset import network_of
from keras_alexnet.presets import PRESETS, SMALL_PRESETS
from tests import reference
from tests.keras_alexnet.models.conftest import (
    TERMS,
    photos,
    small,
    with_random_weights,
)
from tests.small import CIFAR_NETS
from tfrecords.errors import UserError

SIZE = 99  # pixels: conv5 has 5 x 5, pool5 2 x 2


def head_gradient(model, preset, maps, class_index):
    """Of a logit for conv5's maps `(rows, columns, channels)`, in float64."""
    unit = 0.5 if PRESETS[preset].dropout == "original" else 1.0
    pooled = reference.max_pool(maps[None], 3, 2)[0]
    weights = [
        [array.astype(np.float64) for array in model.get_layer(name).get_weights()]
        for name in ("fc6", "fc7", "fc8")
    ]
    signals = [pooled.reshape(-1)]
    for kernel, bias in weights[:2]:
        signals.append(unit * np.maximum(signals[-1] @ kernel + bias, 0))
    back = weights[2][0][:, class_index]
    for (kernel, _), signal in zip(weights[1::-1], signals[:0:-1], strict=True):
        back = kernel @ (unit * back * (signal > 0))
    back = back.reshape(pooled.shape)
    gradient = np.zeros_like(maps)
    for row, column, channel in np.ndindex(pooled.shape):
        window = maps[2 * row : 2 * row + 3, 2 * column : 2 * column + 3, channel]
        at = np.unravel_index(window.argmax(), window.shape)
        place = (2 * row + at[0], 2 * column + at[1], channel)
        gradient[place] += back[row, column, channel]
    return gradient


def bilinear(values, size):
    """Scale a square map; pixels are squares, and the outer ones go on to the edge."""
    at = np.clip((np.arange(size) + 0.5) * len(values) / size - 0.5, 0, len(values) - 1)
    low = np.minimum(at.astype(int), len(values) - 2)
    share = np.zeros((size, len(values)))
    share[np.arange(size), low] = 1 - (at - low)
    share[np.arange(size), low + 1] = at - low
    return share @ values @ share.T


@pytest.mark.parametrize("preset", PRESETS)
def test_the_map_is_what_the_formula_gives_in_float64(preset):
    model = with_random_weights(small(preset, input_size=SIZE))
    explain, (image,) = GradCam(model), photos(1, SIZE)
    conv5 = keras.Model(model.input, model.get_layer("conv5").output)
    maps = np.asarray(conv5(image[None], training=False), np.float64)[0]
    found_any = False
    for class_index in range(5):
        weights = head_gradient(model, preset, maps, class_index).mean((0, 1))
        summed = np.maximum(maps @ weights, 0)
        found = explain(image, class_index)
        assert found.shape == (SIZE, SIZE) and found.dtype == np.float32
        if not summed.any():
            assert not found.any()
            continue
        found_any = True
        expected = bilinear(summed / summed.max(), SIZE)
        # The terms of a sum over the channels cancel: their rounding counts against
        # the sum of their magnitudes. The maximum is rounded as the rest is.
        terms = (np.abs(maps) @ np.abs(weights)).max() / summed.max()
        bound = 2 * terms * reference.network_bound("float32", TERMS[4:])
        np.testing.assert_allclose(found, expected, rtol=0, atol=bound)
    assert found_any


def test_what_speaks_for_no_class_leaves_the_map_empty():
    model = with_random_weights(small("caffenet", input_size=SIZE))
    head = model.get_layer("fc8")
    head.set_weights([np.zeros_like(array) for array in head.get_weights()])
    assert not GradCam(model)(photos(1, SIZE)[0], 0).any()


def test_frozen_layers_have_gradients_all_the_same():
    model = with_random_weights(small("caffenet", input_size=SIZE))
    (image,) = photos(1, SIZE)
    before = GradCam(model)(image, 1)
    model.trainable = False
    np.testing.assert_array_equal(GradCam(model)(image, 1), before)


@pytest.mark.parametrize("preset", CIFAR_NETS)
def test_small_nets_have_their_last_convolution(preset):
    model = cifar_net(preset, seed=1)
    size = SMALL_PRESETS[preset].input_size
    last = "local4" if size == 24 else "conv3"
    assert last_maps(model) is model.get_layer(last).output
    assert GradCam(model)(photos(1, size)[0], 3).shape == (size, size)


@pytest.mark.parametrize("form", ["1998", "modern"])
@pytest.mark.parametrize("colours", [1, 3])
def test_lenet_has_the_last_one_that_sees_parts(form, colours):
    model = lenet5(form=form, seed=1)
    if colours == 3:
        name = "lenet5-1998" if form == "1998" else "lenet5"
        model = network_of(SMALL_PRESETS[name], 10)
    assert last_maps(model) is model.get_layer("c3").output
    image = np.random.default_rng(0).random((32, 32, colours), np.float32)
    found = GradCam(model)(image, 3)
    assert found.shape == (32, 32) and 0 <= found.min() and found.max() <= 1


def test_an_activation_that_comes_later_is_waited_for():
    images = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, activation="relu")(images)
    x = keras.layers.MaxPooling2D(2)(keras.layers.Conv2D(4, 3)(x))
    rectified = keras.layers.Activation("relu", name="relu2")(x)
    x = keras.layers.Activation("tanh")(rectified)
    model = keras.Model(images, keras.layers.Dense(2)(keras.layers.Flatten()(x)))
    assert last_maps(model) is rectified


def test_a_network_without_maps_is_refused():
    images = keras.Input((4, 4, 3))
    model = keras.Model(
        images, keras.layers.Dense(2)(keras.layers.Flatten()(images)), name="dense"
    )
    with pytest.raises(UserError, match="got dense, whose layers .* Take occlusion"):
        GradCam(model)
