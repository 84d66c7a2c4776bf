import keras
import numpy as np
import pytest

from keras_alexnet.data import PixelBatch
from keras_alexnet.models.finiteness import find_not_finite
from keras_alexnet.presets import PRESETS, find_preset
from keras_alexnet.training import allocator, compile_network
from keras_alexnet.training.state import model_state
from tests import small
from tests.reference import training_bound

BFLOAT16 = pytest.param("mixed_bfloat16", marks=pytest.mark.bfloat16)
HIGH = 50  # a loss; fresh networks have ln 3 = 1.1 to 6


def test_a_name_is_enough_and_memory_is_kept(monkeypatch):
    calls = []
    monkeypatch.setattr(allocator, "keep_freed_memory", lambda: calls.append(1))
    model = compile_network(small.preset("caffenet"), 3)
    assert calls == [1]
    assert model.output_shape == (None, 3) and model.name == "alexnet_caffenet"
    assert not hasattr(model, "mean")
    with pytest.raises(ValueError, match="Unknown preset 'googlenet'"):
        compile_network("googlenet", 3)


def test_the_recipe_is_in_the_optimizer():
    recipe = {"learning_rate": 0.02, "momentum": 0.8, "decay": 0.001, "bias_rate": 3.0}
    config = compile_network(small.preset(**recipe), 3).optimizer.get_config()
    found = {name: config[name] for name in recipe}
    assert found == pytest.approx(recipe, rel=1e-6)


@pytest.mark.parametrize("shape", [(3,), (small.INPUT, small.INPUT, 3)])
def test_the_mean_is_taken_off_batches_of_uint8(shape):
    mean = np.random.default_rng(1).uniform(90, 130, shape).astype(np.float32)
    model = compile_network(small.preset(), 3, mean=mean)
    pictures = np.stack([small.picture(k, k, 67, 67) for k in range(3)])
    with_mean = keras.ops.convert_to_numpy(
        PixelBatch.without_noise(pictures).normalized(model.mean)
    )
    np.testing.assert_array_equal(with_mean, pictures - mean)


@pytest.mark.parametrize("precision", ["float32", BFLOAT16, "mixed_float16"])
def test_every_precision_takes_the_same_first_step(precision):
    model = compile_network(small.preset(precision=precision), 3)
    images = keras.random.normal((8, small.INPUT, small.INPUT, 3), 0, 50, seed=1)
    labels = np.arange(8) % 3
    model.fit(images, labels, batch_size=8, verbose=0)
    weights = model.get_layer("fc8").kernel.numpy()
    assert np.isfinite(weights).all()
    assert weights.dtype == np.float32


def test_a_run_compiled_with_xla_comes_to_the_same_weights(dataset, tmp_path):
    """But for rounding: its dropout masks are the same."""
    states = []
    for xla in (False, True):
        fields = {"xla": xla, "learning_rate": 0.002}
        states.append(small.train(dataset, tmp_path / str(xla), epochs=1, **fields))
    plain, compiled = (model_state.capture(state.model) for state in states)
    assert [state.model.jit_compile for state in states] == [False, True]
    assert set(plain) == set(compiled)
    limit = training_bound("float32", small.TERMS, steps=4)
    for name in (name for name in plain if name.startswith("model/")):
        distance = np.abs(plain[name] - compiled[name]).max()
        assert distance <= limit * np.abs(plain[name]).max(), name
    first, second = (state.history[0] for state in states)
    assert first["loss"] == pytest.approx(second["loss"], rel=limit)
    assert first["val_loss"] == pytest.approx(second["val_loss"], rel=limit)
    assert first["val_error"] == second["val_error"]


def batch(size, side):
    """Pictures of the usual scale, with three classes, and the mean subtracted."""
    labels = np.arange(size) % 3
    pictures = [small.picture(k, seed, side, side) for seed, k in enumerate(labels)]
    images = np.stack(pictures).astype(np.float32)
    return images - images.mean(axis=0), labels


def losses(preset, side, size, steps, **overrides):
    """Train with the preset's own rates and initial values; return all losses."""
    fields = {"input_size": side, **overrides}
    model = compile_network(find_preset(preset).replace(**fields), 3)
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
    found, model = losses(preset, fields.input_size, fields.recipe.batch_size, 12)
    assert max(found) < HIGH
    assert find_not_finite(model) is None
