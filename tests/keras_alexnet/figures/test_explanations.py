import numpy as np
import pytest

from keras_alexnet import load
from keras_alexnet.figures.explanations import MOST_PICTURES, draw_explanations, lit
from tfrecords.errors import UserError


def test_a_picture_is_lit_where_the_map_is_high():
    crop = np.full((1, 4, 3), 200, np.uint8)
    shown = lit(crop, np.array([[-1.0, 0.0, 0.5, 1.0]]))
    assert shown[0, :, 0].tolist() == [70, 70, 135, 200] and shown.dtype == np.uint8
    assert (lit(crop, np.zeros((1, 4))) == 70).all()


def test_a_row_is_picture_lit_picture_and_map(run, red, drawn, tmp_path):
    given = {"data": None, "label": "green"}
    draw_explanations([run, red, red], tmp_path / "out.png", "grad_cam", "x", **given)
    found = load(run).explain(red, "grad_cam", class_index=1)
    rows = np.reshape(drawn[0].axes[:6], (2, 3))
    for picture, middle, scale in rows:
        assert (picture.images[0].get_array() == found.crop).all()
        assert (middle.images[0].get_array() == lit(found.crop, found.map)).all()
        assert (scale.images[0].get_array() == found.map).all()
        assert picture.get_title() == "red"  # of its folder
        assert middle.get_title() == f"green {found.probability:.1%}"
        assert scale.get_title() == found.note
    assert len(drawn[0].axes) == 8  # each map has its colour bar


def test_there_is_room_for_some_pictures_and_known_classes(run, red, tmp_path):
    none = {"data": None, "label": None}
    paths = [run, *[red] * (MOST_PICTURES + 1)]
    with pytest.raises(UserError, match=f"1 to {MOST_PICTURES} picture"):
        draw_explanations(paths, tmp_path / "out.png", "grad_cam", "x", **none)
    named = {"data": None, "label": "pink"}
    with pytest.raises(UserError, match="got 'pink'"):
        draw_explanations([run, red], tmp_path / "out.png", "grad_cam", "x", **named)
    assert MOST_PICTURES == 12  # as the help of the kinds says
