import pytest

from keras_alexnet.presets import PRESETS
from keras_alexnet.weights.fitting import weight_shapes
from keras_alexnet.weights.foreign import MOST_NUMBERS, check_numbers
from tfrecords.errors import UserError


def test_every_preset_is_within_the_limit_and_one_more_number_is_not():
    for preset in PRESETS.values():
        shapes = weight_shapes(preset, 10_000)
        counts = {}
        for name, shape in shapes.items():
            counts[name] = 1
            for side in shape:
                counts[name] *= side
        check_numbers(counts, "a file")
    check_numbers({"a": MOST_NUMBERS}, "a file")
    with pytest.raises(UserError, match="'b': no AlexNet has as many"):
        check_numbers({"a": 1, "b": MOST_NUMBERS}, "a file")
