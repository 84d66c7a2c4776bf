import numpy as np
import pytest

from keras_alexnet import load
from keras_alexnet.figures.lrn import MOST_CHANNELS, Normalised, draw, normalised
from tests import reference, small
from tests.reference import relative, rounding_bound
from tfrecords.errors import UserError


def test_maps_are_those_around_the_normalisation(run, red):
    network = load(run)
    found = normalised(network, red)
    conv1 = network.at("conv1_pre")(network.image(red)[None]).numpy()[0]
    bound = rounding_bound("float32", small.TERMS[0])
    assert relative(found.before, conv1) < bound  # released: before the ReLU
    lrn = network.config.preset.lrn
    constants = (lrn.depth_radius, lrn.bias, lrn.alpha, lrn.beta)
    expected = reference.lrn(found.before[None].astype(np.float64), *constants, 2)[0]
    # Five squares, a power and a product.
    assert relative(found.after, expected) < rounding_bound("float32", 5)
    ratio = found.ratio()[found.before != 0]
    least = float(np.float32(lrn.bias**-lrn.beta))
    assert (0 < ratio).all() and ratio.max() <= least * (1 + 4 * 2**-23)


def test_ratios_are_undefined_where_nothing_is(run):
    found = Normalised(np.array([[[0.0, 2.0]]]), np.array([[[0.0, 1.0]]]))
    np.testing.assert_array_equal(found.ratio(), [[[np.nan, 0.5]]])


def test_the_strongest_come_first():
    before = np.zeros((2, 2, 4), np.float32)
    before[0, 0] = [1, -3, 3, 2]
    assert Normalised(before, before).strongest(3).tolist() == [1, 2, 3]


def test_before_and_after_have_one_scale(run, red, drawn, tmp_path):
    draw([run, red], tmp_path / "out.png", channels=2)
    found = normalised(load(run), red)
    chosen = found.strongest(2)
    rows = np.reshape(drawn[0].axes[:9], (3, 3))[:, 1:]
    shown = [[axes.images[0] for axes in row] for row in rows]
    arrays = (found.before, found.after, found.ratio())
    for row, maps in zip(shown, arrays, strict=True):
        for image, channel in zip(row, chosen, strict=True):
            expected = np.ma.masked_invalid(maps[..., channel])
            assert np.ma.allequal(image.get_array(), expected)
    limits = {image.get_clim() for row in shown[:2] for image in row}
    both = np.stack([found.before, found.after])[..., chosen]
    assert limits == {(both.min(), both.max())}
    assert {image.get_clim() for image in shown[2]} == {(0, 2**-0.75)}
    titles = [axes.get_title() for axes in rows[0]]
    assert titles == [f"channel {channel + 1}, before" for channel in chosen]


def test_a_network_without_and_a_number_out_of_range_are_refused(
    run, red, tmp_path, monkeypatch
):
    for channels in (0, MOST_CHANNELS + 1):
        with pytest.raises(UserError, match="channels"):
            draw([run, red], tmp_path / "out.png", channels=channels)
    monkeypatch.setattr("keras_alexnet.figures.lrn.NORM", "norm9")
    with pytest.raises(UserError, match="a layer norm9, got .*preset released"):
        draw([run, red], tmp_path / "out.png")
