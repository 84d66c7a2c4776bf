"""Every preset survives the training that goes with it."""

import numpy as np
import pytest

from keras_alexnet.models.finiteness import find_not_finite
from keras_alexnet.presets.preset import PRESETS
from keras_alexnet.trained.config_file import TrainConfig
from keras_alexnet.training.compile import compile_model
from tests import small

HIGH = 50  # a loss; fresh networks have ln 3 = 1.1 to 6


def batch(size, side):
    """Pictures of the usual scale, with three classes, and the mean subtracted."""
    labels = np.arange(size) % 3
    pictures = [small.picture(k, seed, side, side) for seed, k in enumerate(labels)]
    images = np.stack(pictures).astype(np.float32)
    return images - images.mean(axis=0), labels


def losses(preset, side, size, steps, **overrides):
    """Train with the preset's own rates and initial values; return all losses."""
    config = TrainConfig(
        "", preset=preset, num_classes=3, overrides={"input_size": side, **overrides}
    )
    model = compile_model(config)
    images, labels = batch(size, side)
    history = model.fit(images, labels, batch_size=size, epochs=steps, verbose=0)
    return history.history["loss"], model


@pytest.mark.parametrize("preset", PRESETS)
def test_its_first_steps_keep_the_loss_in_bounds(preset):
    # All filters of all convolutions, on smaller maps and with a narrower fc6 and fc7.
    found, model = losses(preset, small.INPUT, 12, 6, units=512)
    assert max(found) < HIGH
    assert find_not_finite(model) is None


def test_initial_values_that_do_not_fit_the_pixels_are_seen():
    """What `one_weird_trick` had once: the test above can fail."""
    he = {"weight_std": (None,) * 8, "biases": (0,) * 8}
    found, _ = losses("one_weird_trick", small.INPUT, 12, 6, units=512, **he)
    assert not max(found) < HIGH


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_an_epoch_at_its_own_size_and_batch(preset):
    fields = PRESETS[preset]
    found, model = losses(preset, fields.input_size, fields.batch_size, 12)
    assert max(found) < HIGH
    assert find_not_finite(model) is None
