import keras
import numpy as np
import pytest

from keras_alexnet import alexnet, copy_weights, two_towers
from keras_alexnet.towers.weights import merge, split, tower_variables
from tests.keras_alexnet.models.conftest import (
    NORM_STEPS,
    SIZE,
    SMALL,
    TERMS,
    photos,
)
from tests.reference import network_bound, relative


def whole(seed=1, **options):
    return alexnet("released", 5, SIZE, **{**SMALL, "seed": seed, **options})


def towers(seed=1, **options):
    options = {**SMALL, "seed": seed, "devices": None, **options}
    return two_towers("released", 5, SIZE, **options)


def values(model):
    return {n: v.numpy() for n, v in tower_variables(model).items()}


def assert_same(one, other):
    assert set(one) == set(other)
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name], err_msg=name)


def test_halves_are_those_of_the_last_axis():
    kernel = np.arange(24).reshape(2, 3, 4)
    parts = split({"model/conv1/kernel": kernel, "model/fc8/bias": kernel})
    np.testing.assert_array_equal(parts["model/conv1_a/kernel"], kernel[..., :2])
    np.testing.assert_array_equal(parts["model/conv1_b/kernel"], kernel[..., 2:])
    assert parts["model/fc8/bias"] is kernel
    assert len(parts) == 3


def test_counters_are_the_same_in_both_towers():
    counter = np.array([7, 3])
    parts = split({"drop6/counter": counter})
    assert set(parts) == {"drop6_a/counter", "drop6_b/counter"}
    assert_same(merge(parts), {"drop6/counter": counter})
    parts["drop6_b/counter"] = counter + 1
    with pytest.raises(ValueError, match="drop6/counter.*other values"):
        merge(parts)


def test_merge_undoes_split_and_split_merge():
    model, other = values(whole()), values(towers())
    assert_same(merge(split(model)), model)
    assert_same(split(merge(other)), other)
    momenta = {f"optimizer/velocity/{name}": v for name, v in model.items()}
    assert_same(merge(split(momenta)), momenta)
    assert_same(split(split(model)), split(model))


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"even number.*conv1/bias.*\(3,\)"):
        split({"conv1/bias": np.zeros(3)})
    with pytest.raises(ValueError, match="no conv1_a/bias"):
        merge({"conv1_b/bias": np.zeros(3)})
    with pytest.raises(ValueError, match=r"fc6/bias.*\(3,\) and \(4,\)"):
        merge({"fc6_a/bias": np.zeros(3), "fc6_b/bias": np.zeros(4)})


@pytest.mark.parametrize(
    ("make", "take"), [(whole, towers), (towers, whole), (towers, towers)]
)
def test_copying_is_exact_in_every_direction(make, take):
    source, target = make(seed=1), take(seed=2)
    images = photos(2, SIZE)
    source(images, training=True)  # the dropout counters move on
    copy_weights(source, target)
    assert_same(merge(values(source)), merge(values(target)))
    masked = [model(images, training=True).numpy() for model in (source, target)]
    assert relative(*masked) < 2 * network_bound("float32", TERMS, NORM_STEPS)


@pytest.mark.parametrize(("make", "take"), [(whole, towers), (towers, whole)])
def test_a_file_of_either_form_loads_in_the_other(make, take, tmp_path):
    source, target, same = make(seed=1), take(seed=2), make(seed=3)
    source.save(tmp_path / "net.keras")
    copy_weights(keras.models.load_model(tmp_path / "net.keras"), target)
    trainable = {
        n: v for n, v in merge(values(source)).items() if not n.startswith("drop")
    }
    taken = merge(values(target))
    assert_same(trainable, {name: taken[name] for name in trainable})
    source.save_weights(tmp_path / "net.weights.h5")
    same.load_weights(tmp_path / "net.weights.h5")
    copy_weights(same, target)
    taken = merge(values(target))
    assert_same(trainable, {name: taken[name] for name in trainable})


def test_another_network_is_refused_and_nothing_is_copied():
    source, target = whole(filters=(8, 16, 16, 16, 16)), towers(seed=2)
    before = values(target)
    with pytest.raises(ValueError, match="same network.*conv5"):
        copy_weights(source, target)
    assert_same(values(target), before)
