import keras
import numpy as np
import pytest

from keras_alexnet import SMALL_PRESETS, lenet5
from keras_alexnet.layers.lenet import C3_INPUTS, GreyLevels, scaled_tanh
from keras_alexnet.models.lenet import lenet_of
from tests.keras_alexnet.models.conftest import BFLOAT16
from tests.reference import rounding_bound

# Spec 9.
COUNTS = {
    "1998": {
        "c1": 156,
        "s2": 12,
        "c3": 1_516,
        "s4": 32,
        "c5": 48_120,
        "f6": 10_164,
        "output": 840,
    },
    "modern": {"c1": 156, "c3": 2_416, "c5": 48_120, "f6": 10_164, "output": 850},
}
TRAINABLE = {"1998": 60_000, "modern": 61_706}


def digits(count, seed=0):
    """One blob a class at a place of its own, in the grey levels of the 1998 paper."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 10
    images = np.full((count, 32, 32, 1), -0.1, np.float32)
    for image, label in zip(images, labels, strict=True):
        row, column = 4 + label // 5 * 14, 2 + label % 5 * 6
        image[row : row + 10, column : column + 5] = 1.175
        image += generator.normal(size=image.shape) * 0.1
    return images, labels


@pytest.fixture(scope="module", params=COUNTS)
def form(request):
    return request.param


def test_parameter_counts_are_those_of_the_paper(form):
    model = lenet5(form=form)
    counts = {x.name: x.count_params() for x in model.layers if x.weights}
    assert counts == COUNTS[form]
    trainable = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    assert trainable == TRAINABLE[form]


def test_maps_have_the_sizes_of_the_paper(form):
    model = lenet5(form=form)
    shapes = {layer.name: layer.output.shape[1:] for layer in model.layers}
    assert shapes == {
        "images": (32, 32, 1),
        "c1": (28, 28, 6),
        "s2": (14, 14, 6),
        "c3": (10, 10, 16),
        "s4": (5, 5, 16),
        "c5": (1, 1, 120),
        "flatten": (120,),
        "f6": (84,),
        "output": (10,),
    }
    assert model.name == f"lenet5_{form}"


def test_initial_weights_are_uniform_within_the_fan_in(form):
    model = lenet5(form=form, seed=1)
    fan_ins = {"c1": 25, "c5": 400, "f6": 120}
    for name, fan_in in fan_ins.items():
        kernel = model.get_layer(name).kernel.numpy()
        assert 0.9 * 2.4 / fan_in < np.abs(kernel).max() <= 2.4 / fan_in
        np.testing.assert_array_equal(model.get_layer(name).bias, 0)


def test_a_map_of_c3_has_the_fan_in_of_its_own_links():
    kernel = lenet5(form="1998", seed=1).get_layer("c3").get_weights()[0]
    largest = np.abs(kernel).max((0, 1))
    limits = [2.4 / (25 * len(inputs)) for inputs in C3_INPUTS for _ in inputs]
    assert (largest <= np.array(limits) * (1 + rounding_bound("float32"))).all()
    assert (largest > 0.5 * np.array(limits)).all()


@pytest.mark.parametrize(
    ("pooling", "kind"), [("average", "AveragePooling2D"), ("max", "MaxPooling2D")]
)
def test_the_modern_form_pools_as_asked(pooling, kind):
    model = lenet5(pooling=pooling)
    pools = [type(model.get_layer(name)).__name__ for name in ("s2", "s4")]
    assert pools == [kind, kind]


@pytest.mark.parametrize("num_classes", [2, 26])
def test_the_modern_form_takes_any_class_count(num_classes):
    assert lenet5(num_classes).output_shape == (None, num_classes)


def test_the_seed_gives_the_initial_weights(form):
    one, same, other = (lenet5(form=form, seed=seed) for seed in (1, 1, 2))
    for a, b in zip(one.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for name in ("c1", "c3", "c5", "f6"):
        kernels = [m.get_layer(name).get_weights()[0] for m in (one, other)]
        assert (kernels[0] != kernels[1]).all()


def test_a_few_steps_learn_a_tiny_set(form):
    model = lenet5(form=form, seed=1)
    images, labels = digits(20)
    model.compile(
        keras.optimizers.Adam(0.003),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    losses = [model.train_on_batch(images, labels) for _ in range(30)]
    assert losses[-1] < 0.5 * losses[0]
    new_images, new_labels = digits(20, seed=1)
    guesses = np.argmax(model(new_images), axis=-1)
    assert np.mean(guesses == new_labels) >= 0.5


def test_a_saved_network_comes_back_the_same(form, tmp_path):
    model = lenet5(form=form, seed=1)
    model.save(tmp_path / "lenet5.keras")
    again = keras.models.load_model(tmp_path / "lenet5.keras")
    images, _ = digits(3)
    np.testing.assert_array_equal(again(images), model(images))
    assert again.count_params() == model.count_params()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"form": "1989"}, "form='1989'"),
        ({"pooling": "sum"}, "pooling='sum'"),
        ({"form": "1998", "num_classes": 26}, "num_classes=26.*form='modern', --pre"),
    ],
)
def test_bad_arguments_are_refused_with_what_arrived(options, message):
    with pytest.raises(ValueError, match=message):
        lenet5(**options)


def test_the_form_of_1998_squashes_as_its_paper_does():
    model = lenet5(form="1998")
    squashed = [model.get_layer(name).activation for name in ("c1", "c3", "c5", "f6")]
    assert squashed == [scaled_tanh] * 4


def of_form(form):
    return SMALL_PRESETS["lenet5-1998" if form == "1998" else "lenet5"]


def test_that_of_a_preset_is_the_same_behind_grey_levels(form):
    plain, model = lenet5(form=form, seed=3), lenet_of(of_form(form), 10, seed=3)
    names = [[layer.name for layer in each.layers] for each in (plain, model)]
    assert names[1] == ["images", "grey", *names[0][1:]]
    assert model.name == plain.name and model.input_shape == (None, 32, 32, 3)
    for ours, expected in zip(model.weights, plain.weights, strict=True):
        np.testing.assert_array_equal(ours, expected)
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3)).astype("float32")
    np.testing.assert_array_equal(model(images), plain(GreyLevels()(images)))


def test_a_preset_says_the_pooling():
    model = lenet_of(of_form("modern").replace(pooling="max"), 3)
    assert type(model.get_layer("s2")).__name__ == "MaxPooling2D"
    with pytest.raises(ValueError, match="Expected 10 classes .*num_classes=3"):
        lenet_of(of_form("1998"), 3)


@pytest.mark.parametrize("dtype", ["float64", "mixed_float16", BFLOAT16])
def test_logits_are_wide_in_other_arithmetic(form, dtype):
    model = lenet_of(of_form(form), 10, seed=3, dtype=dtype)
    assert model.get_layer("f6").compute_dtype == dtype.removeprefix("mixed_")
    logits = model(np.zeros((1, 32, 32, 3), "float32"))
    assert logits.dtype == ("float64" if dtype == "float64" else "float32")
