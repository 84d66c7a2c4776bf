"""Layers of one tower; what they do on devices of their own is in test_network."""

import keras
import numpy as np
import pytest

from keras_alexnet.layers.dropout import InvertedDropout
from keras_alexnet.layers.grouped_conv import GroupedConv2D
from keras_alexnet.towers.devices import tower_devices
from keras_alexnet.towers.layers import (
    TOWER_CLASSES,
    Exchange,
    OnTower,
    SeamMaps,
    SeamNormalization,
    TowerConv2D,
    TowerDense,
    TowerInvertedDropout,
)
from tests.keras_alexnet.layers.conftest import check_keras_contract, check_positional
from tests.reference import lrn, relative, rounding_bound

MAPS = np.random.default_rng(0).normal(size=(2, 3, 3, 8)).astype("float32")


def test_it_does_what_keras_asks_of_a_layer():
    options = {"filters": 4, "kernel_size": 3, "tower": 1}
    options["activity_regularizer"] = "l1"
    check_keras_contract(TowerConv2D, options, (2, 7, 7, 4), (2, 5, 5, 4), 1)


@pytest.mark.parametrize(
    ("kind", "parent"),
    [(TowerConv2D, GroupedConv2D), (TowerInvertedDropout, InvertedDropout)],
)
def test_what_is_given_without_a_name_means_what_it_means_in_its_parent(kind, parent):
    check_positional(kind, parent)


def test_every_kind_of_layer_becomes_itself_on_a_tower():
    for whole, tower in TOWER_CLASSES.items():
        assert issubclass(tower, OnTower) and issubclass(tower, whole)
        assert tower.__mro__[1:3] == (OnTower, whole)


def test_names_by_which_files_know_them_never_change():
    names = {keras.saving.get_registered_name(kind) for kind in TOWER_CLASSES.values()}
    kinds = (
        *("Conv2D", "Dense", "Activation", "MaxPooling2D", "ZeroPadding2D"),
        "Flatten",
    )
    own = ("Normalization", "InMapNormalization", "OriginalDropout", "InvertedDropout")
    assert names == {f"keras_alexnet>Tower{kind}" for kind in (*kinds, *own)}
    others = [keras.saving.get_registered_name(k) for k in (Exchange, SeamMaps)]
    assert others == ["keras_alexnet>Exchange", "keras_alexnet>SeamMaps"]


def test_the_tower_is_saved_and_the_plan_is_not():
    with tower_devices(("CPU:0", "CPU:0")):
        layer = TowerDense(3, tower=1)
    assert layer.places == ("/device:CPU:0",) and not layer.supports_jit
    again = TowerDense.from_config(layer.get_config())
    assert again.tower == 1 and again.places == () and again.supports_jit


def test_an_exchange_puts_tower_a_first():
    whole = Exchange(tower=1)([MAPS[..., :3], MAPS[..., 3:]])
    np.testing.assert_array_equal(whole, MAPS)


@pytest.mark.parametrize("count", [2, 9])
def test_seam_maps_are_those_next_to_the_other_tower(count):
    last, first = (SeamMaps(count, tower=tower)(MAPS) for tower in (0, 1))
    np.testing.assert_array_equal(last, MAPS[..., -count:])
    np.testing.assert_array_equal(first, MAPS[..., :count])


def test_a_normalisation_across_the_seam_is_that_of_all_maps():
    constants = (2, 1.0, 0.3, 0.75)
    a, b = MAPS[..., :4], MAPS[..., 4:]
    halves = [
        SeamNormalization(*constants, tower=0)([a, SeamMaps(2, tower=1)(b)]),
        SeamNormalization(*constants, tower=1)([b, SeamMaps(2, tower=0)(a)]),
    ]
    expected = lrn(MAPS, *constants)
    limit = rounding_bound("float32", 5, steps=20)
    assert relative(np.concatenate(halves, axis=-1), expected) < limit
