import numpy as np
import pytest

from keras_alexnet import alexnet
from keras_alexnet.presets import PRESETS
from keras_alexnet.presets.lenet import LENET5, LENET5_1998
from keras_alexnet.trained.misfit import WeightsMisfit
from keras_alexnet.weights.fitting import (
    class_count,
    find_misfits,
    tell_preset,
    weight_shapes,
)
from keras_alexnet.weights.foreign import ForeignWeights, InputRule
from tests import small
from tfrecords.errors import UserError

RULE = InputRule(256, "short_side", "bilinear", np.zeros(3, np.float32))
TWO_TOWERS = ("paper", "released", "caffe_alexnet", "caffenet")


def blank(preset, classes=10):
    """Zeros of the right shapes that take no memory."""
    shapes = weight_shapes(PRESETS[preset], classes)
    zero = np.zeros((), np.float32)
    return {name: np.broadcast_to(zero, shape) for name, shape in shapes.items()}


def foreign(arrays, **fields):
    return ForeignWeights(arrays, RULE, **fields)


@pytest.mark.parametrize("name", PRESETS)
def test_the_shapes_are_those_of_the_network(name):
    preset = small.preset(name)
    model = alexnet(preset, 3)
    found = {
        f"{layer.name}.{each.name}": tuple(each.shape)
        for layer in model.layers
        for each in layer.weights
        if each.name in ("kernel", "bias")
    }
    assert found == weight_shapes(preset, 3)


@pytest.mark.parametrize("name", ["one_weird_trick", "one_gpu"])
def test_shapes_that_one_preset_has_tell_it(name):
    assert tell_preset(foreign(blank(name))).name == name
    assert class_count(foreign(blank(name))) == 10


def test_a_network_without_a_head_has_the_classes_that_the_file_names():
    shapes = weight_shapes(LENET5_1998, 10)
    assert not any(name.startswith("output") for name in shapes)
    arrays = {name: np.ones(shape, np.float32) for name, shape in shapes.items()}
    digits = tuple("0123456789")
    weights = foreign(arrays, preset=LENET5_1998, labels=digits)
    assert class_count(weights) == 10 and class_count(foreign(arrays)) == 1000
    assert find_misfits(weights, LENET5_1998) == []
    assert tell_preset(weights) is LENET5_1998
    assert find_misfits(weights, LENET5)[0].tensor == "c3.kernel"
    with pytest.raises(UserError, match="Expected 10 classes"):
        tell_preset(foreign(arrays, preset=LENET5_1998, labels=digits[:9]))


def test_shapes_that_several_have_list_them_and_a_name_decides():
    weights = foreign(blank("paper"))
    with pytest.raises(UserError, match=", ".join(TWO_TOWERS)):
        tell_preset(weights)
    for name in TWO_TOWERS:
        assert tell_preset(weights, name).name == name
    with pytest.raises(UserError, match="Unknown preset 'alex'"):
        tell_preset(weights, "alex")


def test_a_file_that_is_certain_is_not_overruled():
    weights = foreign(blank("paper"), presets=("caffenet",), certain=True)
    assert tell_preset(weights).name == "caffenet"
    with pytest.raises(UserError, match="Expected preset caffenet.*got --preset paper"):
        tell_preset(weights, "paper")
    likely = foreign(blank("paper"), presets=("caffenet",))
    assert tell_preset(likely, "paper").name == "paper"


def test_every_tensor_that_is_wrong_has_a_row():
    arrays = blank("one_weird_trick")
    del arrays["conv2.bias"]
    arrays["conv1.kernel"] = np.zeros((64, 3, 11, 11), np.float32)
    arrays["fc8.bias"] = np.array([0, np.nan, np.inf] + [0] * 7, np.float32)
    arrays["conv3.bias"] = np.zeros(384, np.int64)
    arrays["norm1.scale"] = np.zeros(2, np.float32)
    rows = find_misfits(foreign(arrays), PRESETS["one_weird_trick"])
    assert rows == [
        ("conv1.kernel", "(11, 11, 3, 64)", "(64, 3, 11, 11)"),
        ("conv2.bias", "(192,)", "nothing"),
        ("norm1.scale", "nothing", "(2,)"),
        ("conv3.bias", "floating point", "int64"),
        ("fc8.bias", "finite", "2 that are not"),
    ]
    with pytest.raises(WeightsMisfit, match="one_weird_trick, found 5 ") as error:
        tell_preset(foreign(arrays))
    assert error.value.rows == rows and "\n" not in str(error.value)


def test_the_nearest_preset_is_compared_unless_one_is_named():
    arrays = blank("one_gpu")
    del arrays["fc7.bias"]
    with pytest.raises(WeightsMisfit, match="preset one_gpu, found 1 "):
        tell_preset(foreign(arrays))
    with pytest.raises(WeightsMisfit, match="preset paper, found"):
        tell_preset(foreign(arrays), "paper")


def test_a_file_of_another_network_gets_the_line_alone():
    for arrays in ({}, {"layer4.weight": np.zeros(3, np.float32)}):
        with pytest.raises(UserError, match="no layer is one of AlexNet's") as error:
            tell_preset(foreign(arrays))
        assert not isinstance(error.value, WeightsMisfit)
