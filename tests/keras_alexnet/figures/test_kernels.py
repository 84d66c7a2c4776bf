import numpy as np
import pytest

from keras_alexnet import load
from keras_alexnet.figures.canvas import new_figure
from keras_alexnet.figures.kernels import COLUMNS, draw, draw_kernels
from keras_alexnet.inference.colour_index import colour_index
from keras_alexnet.inference.first_layer import kernel_pictures


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


def test_rows_are_as_long_as_the_papers():
    pictures = np.zeros((COLUMNS + 1, 5, 5, 3), np.uint8)
    with new_figure(2, 1) as figure:
        axes = figure.add_subplot()
        draw_kernels(axes, pictures, np.ones(COLUMNS + 1))
    left, right, bottom, top = axes.images[-1].get_extent()
    assert (left, right) == (0, 1) and 1 < top < bottom == top + 1
