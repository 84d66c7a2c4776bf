"""A small network, photos and weights, for tests of all that a network does."""

import numpy as np
import pytest

from keras_alexnet import alexnet

SMALL = {"filters": (8, 16, 16, 16, 8), "units": 32}
SIZE = 67  # pixels; the least that leaves a map, without padding
# Terms of a sum in each layer of a two-tower network of these filters and units.
# Terms of a sum in each layer of a two-tower network of these filters and units.
TERMS = (11 * 11 * 3, 25 * 4, 9 * 16, 9 * 8, 9 * 8, 8, 32, 32)
BFLOAT16 = pytest.param("mixed_bfloat16", marks=pytest.mark.bfloat16)
NORM_STEPS = 20  # roundings of a response normalisation


def small(preset="released", num_classes=5, input_size=SIZE, **options):
    return alexnet(preset, num_classes, input_size, **{**SMALL, "seed": 1, **options})


def names(model):
    return [layer.name for layer in model.layers]


def photos(count, size, seed=0):
    """Synthetic pictures: 1/f noise with the colours of ImageNet, mean 0 (spec 5.3)."""
    stds = np.array([121.7801, 37.0939, 19.7208])
    axes = np.array(
        [
            [-0.56351, -0.57618, -0.59200],
            [-0.71258, -0.02354, 0.70120],
            [0.41796, -0.81698, 0.39731],
        ]
    )
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size)))
    frequency[0, 0] = 1 / size
    noise = np.random.default_rng(seed).normal(size=(count, 3, size, size))
    waves = np.fft.ifft2(np.fft.fft2(noise) / frequency).real
    waves /= waves.std((0, 2, 3), keepdims=True)
    images = np.einsum("nphw,p,pc->nhwc", waves, stds, axes)
    return images.astype(np.float32)


def with_random_weights(model, seed=0):
    """Weights that keep every layer's signal of one size, so that all of them count."""
    generator = np.random.default_rng(seed)
    for layer in model.layers:
        if layer.weights:
            shape = layer.kernel.shape
            fan_in = np.prod(shape[-4:-1])  # of an unshared kernel too
            kernel = generator.normal(size=shape) * (2 / fan_in) ** 0.5
            bias = generator.normal(size=layer.bias.shape) * 0.5
            layer.set_weights([kernel, bias])
    return model
