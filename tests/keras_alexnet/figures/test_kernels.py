import numpy as np
import pytest

from keras_alexnet import load
from keras_alexnet.figures.canvas import new_figure
from keras_alexnet.figures.kernels import COLUMNS, draw, draw_kernels
from keras_alexnet.inference.colour_index import colour_index
from keras_alexnet.inference.first_layer import kernel_pictures
from keras_alexnet.models.lenet import lenet_of
from keras_alexnet.presets.lenet import LENET5
from keras_alexnet.trained.config_file import NetworkConfig, preprocessing_of
from keras_alexnet.trained.network import TrainedNetwork
from keras_alexnet.weights.importing import mean_statistics


def test_towers_lie_one_above_the_other(run, drawn, tmp_path):
    draw([run], tmp_path / "out.png")
    kernel = load(run).model.get_layer("conv1").kernel.numpy()
    pictures, index = kernel_pictures(kernel), colour_index(kernel)
    towers = drawn[0].axes
    assert len(towers) == 2
    for tower, axes in enumerate(towers):
        channels = np.arange(4) + 4 * tower
        shown = [image.get_array() for image in axes.images]
        assert np.array_equal(shown, pictures[channels])
        bars = axes.lines[1::2]  # each on a line that is as wide as 1
        lengths = [np.ptp(bar.get_xdata()) for bar in bars]
        assert lengths == pytest.approx(index[channels], rel=1e-12)
        title = f"tower {tower + 1}, channels {4 * tower + 1} to {4 * tower + 4}: mean "
        assert axes.get_title("left").startswith(title)
        assert f"{index[channels].mean():.3f} in tower {tower + 1}" in " ".join(
            text.get_text() for text in drawn[0].texts
        )


def test_a_first_layer_of_another_name_is_drawn_too(drawn, tmp_path):
    labels = list("0123456789")
    facts = preprocessing_of(LENET5, 32, "bicubic", False)
    mean = mean_statistics(np.zeros((32, 32, 3), np.float32), 32)
    model = lenet_of(LENET5, len(labels), seed=1, dtype="float32")
    config = NetworkConfig(LENET5, facts)
    TrainedNetwork(model, labels, config, mean).save(tmp_path / "net")
    draw([tmp_path / "net"], tmp_path / "out.png")
    (axes,) = drawn[0].axes
    shown = [image.get_array() for image in axes.images]
    assert np.array_equal(shown, kernel_pictures(model.get_layer("c1").kernel.numpy()))


def test_rows_are_as_long_as_the_papers():
    pictures = np.zeros((COLUMNS + 1, 5, 5, 3), np.uint8)
    with new_figure(2, 1) as figure:
        axes = figure.add_subplot()
        draw_kernels(axes, pictures, np.ones(COLUMNS + 1))
    left, right, bottom, top = axes.images[-1].get_extent()
    assert (left, right) == (0, 1) and 1 < top < bottom == top + 1
