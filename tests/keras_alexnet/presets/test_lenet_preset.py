import dataclasses
import json

import pytest

from keras_alexnet.presets import SMALL_PRESETS
from keras_alexnet.presets.lenet import LENET5, LENET5_1998


@pytest.mark.parametrize("preset", [LENET5, LENET5_1998, LENET5.replace(pooling="max")])
def test_fields_survive_json(preset):
    fields = json.loads(json.dumps(dataclasses.asdict(preset)))
    assert LENET5.replace(seed=3, **fields) == preset.replace(seed=3)
    assert preset.lrn is None and preset.towers == 1


def test_layers_are_those_that_learn():
    assert LENET5.layers == ("c1", "c3", "c5", "f6", "output")
    assert LENET5_1998.layers == ("c1", "s2", "c3", "s4", "c5", "f6")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"form": "1989"}, r"form is one of \('1998', 'modern'\). Received: '1989'"),
        ({"pooling": "sum"}, "pooling is one of .*Received: 'sum'"),
        ({"input_size": 28}, r"input_size is one of \(32,\). Received: 28"),
        ({"form": "1998", "pooling": "max"}, "of the modern form.*'max'. Leave it out"),
        ({"lrn": True}, "Unknown preset field lrn"),
        ({"decays": ("s2=1",)}, "Expected decays of c1, c3, c5, f6, output, got 's2'"),
    ],
)
def test_bad_fields_are_refused_with_what_arrived(fields, message):
    with pytest.raises(ValueError, match=message):
        LENET5.replace(**fields)


def test_something_is_left_to_learn_where_the_outputs_are_fixed():
    """All but the codes would be frozen through f6."""
    begun = {"init": "run", "freeze_through": "f6"}
    assert LENET5.replace(**begun).layer_rate("f6") == 0
    with pytest.raises(ValueError, match="of c1, s2, c3, s4, c5, got 'f6'"):
        LENET5_1998.replace(**begun)
    with pytest.raises(ValueError, match="Expected rates of .*, got 'output'"):
        LENET5_1998.replace(rates=("output=2",))


def test_it_is_a_small_net():
    assert SMALL_PRESETS["lenet5"] is LENET5
    assert SMALL_PRESETS["lenet5-1998"] is LENET5_1998
