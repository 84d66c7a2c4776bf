import dataclasses
import json

import pytest

from keras_alexnet.presets import SMALL_PRESETS
from keras_alexnet.presets.preset import LRN
from keras_alexnet.presets.small_preset import InMapNorm
from tests import small


@pytest.mark.parametrize("name", small.CIFAR_NETS)
def test_fields_survive_json(name):
    preset = SMALL_PRESETS[name]
    fields = json.loads(json.dumps(dataclasses.asdict(preset)))
    other = SMALL_PRESETS["cifar-quick" if name == "cifar-18pct" else "cifar-18pct"]
    assert other.replace(**fields) == preset


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("cifar-18pct", False, None),
        ("cifar-18pct", True, InMapNorm()),
        ("cifar-18pct", {"size": 5}, InMapNorm(size=5)),
        ("cifar-19pct", None, None),
        ("cifar-11pct", {"depth_radius": 1}, LRN(depth_radius=1)),
    ],
)
def test_ways_to_say_what_the_normalisation_is(name, given, kept):
    assert SMALL_PRESETS[name].replace(lrn=given).lrn == kept


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"filter": 1}, "Unknown preset field filter.*filters"),
        ({"filters": (32, 32)}, "kinds needs 2 values"),
        ({"weight_std": (0.1,)}, r"weight_std needs 4 values. Received: \(0.1,\)"),
        ({"weight_std": (0.1, 0.1, 0.1, -1)}, "weight_std from 0"),
        ({"decays": ("fc8=1",)}, "decays of conv1, .*fc10, got 'fc8'"),
        ({"decays": ("fc10=nan",)}, "got 'fc10=nan'"),
        ({"drops": (0,)}, "drops >= 1, got 0"),
        ({"kinds": ("conv", "conv", "dense")}, "kinds is of conv, local"),
        ({"pools": ("max", "max", None)}, "where pools has one. Received"),
        ({"pools": ("max", "min", "max")}, "pools is of max, average, None"),
        ({"activation": "gelu"}, "activation is of relu, tanh"),
        (
            {"blocks": (("pool",), ("activation",), ("pool",))},
            "a pool where pools has one. Received",
        ),
        ({"blocks": (("pool",), ("in_map", "pool"), ("pool",))}, "Received: .*in_map"),
        ({"blocks": (("pool",),) * 3}, "needs an 'lrn' step"),
        ({"lrn": {"size": 4}}, "odd size, got 4"),
        ({"lrn": {"alpha": -1}}, "alpha from 0"),
        (
            {"units": (10,), "weight_std": (1,) * 5},
            "none of 10",
        ),
    ],
)
def test_bad_fields_are_refused_with_what_arrived(fields, message):
    with pytest.raises(ValueError, match=message):
        SMALL_PRESETS["cifar-18pct"].replace(**fields)
