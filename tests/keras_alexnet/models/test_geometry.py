import numpy as np
import pytest

from keras_alexnet import PRESETS
from keras_alexnet.models.geometry import conv_mode, map_sizes, zero_padding
from tests.keras_alexnet.models.conftest import photos, small, with_random_weights
from tests.reference import relative


@pytest.mark.parametrize("preset", ["paper", "released"])
def test_224_with_its_zeros_equals_227_of_the_extended_picture(preset):
    narrow, wide = small(preset, input_size=224), small(preset, input_size=227)
    wide.set_weights(with_random_weights(narrow).get_weights())
    images = photos(2, 224)
    extended = np.pad(images, ((0, 0), (0, 3), (0, 3), (0, 0)))
    np.testing.assert_array_equal(narrow(images), wide(extended))
    moved = np.pad(images, ((0, 0), (1, 2), (1, 2), (0, 0)))
    assert relative(narrow(images), wide(moved)) > 1e-3


@pytest.mark.parametrize(
    ("size", "conv1", "pool1", "pool2", "pool5"),
    [
        (224, 55, 27, 13, 6),
        (227, 55, 27, 13, 6),
        (256, 63, 31, 15, 7),
        (67, 15, 7, 3, 1),
    ],
)
def test_maps_of_other_input_sizes(size, conv1, pool1, pool2, pool5):
    sizes = map_sizes(PRESETS["released"].replace(input_size=size))
    model = small(input_size=size)
    expected = {"conv1": conv1, "pool1": pool1, "pool2": pool2, "pool5": pool5}
    for name, side in expected.items():
        assert sizes[name] == side
        assert model.get_layer(name).output.shape[1:3] == (side, side)


@pytest.mark.parametrize(
    ("preset", "least"), [("released", 64), ("caffenet", 64), ("one_weird_trick", 63)]
)
def test_the_error_of_a_small_picture_names_the_least_size(preset, least):
    for size in (least - 1, 1):
        with pytest.raises(ValueError, match=f"input_size >= {least}") as error:
            small(preset, input_size=size)
        assert f"An input of {size} pixels" in str(error.value)
    assert small(preset, input_size=least).output_shape == (None, 5)


def test_non_overlapping_pools_keep_maps_and_parameters():
    options = {"input_size": 224, "num_classes": 10}
    model = small(pooling="non_overlapping", **options)
    shapes = {x.name: x.output.shape[1:3] for x in model.layers}
    # layers-147.cfg: rounding up, conv2 pads 1 and conv5 pads 0.
    assert [shapes[f"pool{i}"] for i in (1, 2, 5)] == [(28, 28), (13, 13), (6, 6)]
    assert [shapes[f"conv{i}"] for i in (1, 2, 5)] == [(55, 55), (26, 26), (11, 11)]
    assert model.count_params() == small(**options).count_params()
    for number in (1, 2, 5):
        pool = model.get_layer(f"pool{number}")
        assert (pool.pool_size, pool.strides) == ((2, 2), (2, 2))


@pytest.mark.parametrize(
    ("size", "zeros"), [(224, 3), (225, 2), (226, 1), (227, 0), (228, 3)]
)
def test_rounding_up_adds_zeros_until_the_last_window_fits(size, zeros):
    preset = PRESETS["released"].replace(input_size=size)
    assert zero_padding(preset, 1) == (0, zeros)
    assert (size + zeros - 11) % 4 == 0


def test_each_convolution_has_its_mode():
    modes = [conv_mode(PRESETS["released"], number) for number in range(1, 6)]
    assert modes == ["valid", "same", "same", "same", "same"]
    small_pools = PRESETS["released"].replace(pooling="non_overlapping")
    modes = [conv_mode(small_pools, number) for number in range(1, 6)]
    assert modes == ["valid", "valid", "same", "same", "valid"]
    assert zero_padding(small_pools, 2) == (1, 1)
