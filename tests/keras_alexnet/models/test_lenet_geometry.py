from keras_alexnet import SMALL_PRESETS, lenet5
from keras_alexnet.layers.lenet import C3_INPUTS
from keras_alexnet.models.lenet_geometry import (
    C3_LINKS,
    LENET_UNITS,
    LENET_WINDOWS,
    lenet_maps,
)


def test_sizes_are_those_of_the_network():
    for name in ("lenet5", "lenet5-1998"):
        preset = SMALL_PRESETS[name]
        model = lenet5(form=preset.form)
        maps = lenet_maps(preset)
        assert maps == {x: model.get_layer(x).output.shape[1:] for x in maps}
    assert model.get_layer("f6").units == LENET_UNITS


def test_windows_and_links_are_those_of_the_layers():
    model = lenet5()
    for name, side in LENET_WINDOWS.items():
        layer = model.get_layer(name)
        own = layer.pool_size if name.startswith("s") else layer.kernel_size
        assert own == (side, side)
    assert sum(map(len, C3_INPUTS)) == C3_LINKS
