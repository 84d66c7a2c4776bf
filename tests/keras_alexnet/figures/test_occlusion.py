import pytest

from keras_alexnet import load
from keras_alexnet.figures.occlusion import draw
from tfrecords.errors import UserError


def test_the_map_is_that_of_the_network_with_the_same_square(run, red, drawn, tmp_path):
    draw([run, red], tmp_path / "out.png", square=40, step=20)
    found = load(run).explain(red, square=40, step=20)
    assert (drawn[0].axes[2].images[0].get_array() == found.map).all()
    shown = f"{found.label} {found.probability:.1%}"
    assert drawn[0].axes[1].get_title() == shown
    with pytest.raises(UserError, match="square of at most 67 pixels"):
        draw([run, red], tmp_path / "out.png", square=68)
