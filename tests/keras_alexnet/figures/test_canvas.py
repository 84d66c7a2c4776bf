import os
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from matplotlib.layout_engine import ConstrainedLayoutEngine
from PIL import Image

from keras_alexnet.figures.canvas import (
    captioned_figure,
    check_picture_file,
    drawing_area,
    new_figure,
    save_figure,
)
from keras_alexnet.figures.caption import LINE, MARGIN, Caption
from tfrecords.errors import UserError

CAPTION = Caption.of("What $is$ shown. " * 5, "curves", ["run"])


def test_a_figure_has_matplotlibs_own_settings_while_it_is_drawn():
    with matplotlib.rc_context({"figure.facecolor": "red"}):
        with new_figure(2, 1) as figure:
            assert figure.get_facecolor() == (1, 1, 1, 1)
            assert figure.get_size_inches().tolist() == [2, 1]
        assert matplotlib.rcParams["figure.facecolor"] == "red"


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_a_figure_is_saved_with_the_same_bytes_and_without_a_time(tmp_path, ending):
    found = set()
    for name in ("one", "two"):
        path = tmp_path / name / f"figure.{ending}"
        with new_figure(2, 1) as figure:
            figure.add_subplot().plot([0, 1], label=name)
            save_figure(figure, path, dpi=50)
        found.add(path.read_bytes())
    (content,) = found
    assert b"<dc:date>" not in content and b"CreationDate" not in content


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with new_figure(2, 1) as figure:
        with pytest.raises(UserError, match="Cannot write .*figure.png"):
            save_figure(figure, tmp_path / "file" / "figure.png", dpi=50)
        with pytest.raises(UserError, match="got figure.docx"):
            save_figure(figure, tmp_path / "figure.docx", dpi=50)
    assert check_picture_file(tmp_path / "figure") == "png"
    assert check_picture_file(tmp_path / "figure.SVG") == "svg"


def test_a_backend_that_is_not_there_is_not_looked_at():
    code = (
        "import os, keras_alexnet.figures.canvas as c, matplotlib.pyplot, io;"
        "ctx = c.new_figure(1, 1); f = ctx.__enter__(); f.savefig(io.BytesIO());"
        "print(os.environ['MPLBACKEND'])"
    )
    environment = {**os.environ, "MPLBACKEND": "nowhere"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "nowhere\n"), done.stderr


def test_last_bits_of_a_layout_change_no_byte(tmp_path, monkeypatch):
    lay_out, written = ConstrainedLayoutEngine.execute, []

    def nudged(engine, figure):
        lay_out(engine, figure)
        for axes in figure.axes:
            bounds = np.array(axes.get_position(original=True).bounds)
            axes.set_position(bounds * (1 + len(written) * 2**-50))

    monkeypatch.setattr(ConstrainedLayoutEngine, "execute", nudged)
    for name in ("one.svg", "other.svg"):
        with captioned_figure(tmp_path / name, 3, 2, CAPTION) as figure:
            shown = figure.add_subplot().imshow(np.eye(3))
            figure.colorbar(shown)
        written.append((tmp_path / name).read_bytes())
    assert written[0] == written[1]


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_a_captioned_figure_is_the_same_bytes_each_time(tmp_path, ending):
    found = set()
    for name in ("one", "two"):
        path = tmp_path / f"{name}.{ending}"
        with captioned_figure(path, 3, 1, CAPTION, dpi=50) as figure:
            figure.add_subplot().imshow([[0, 1]])
        found.add(path.read_bytes())
    assert len(found) == 1


@pytest.mark.parametrize("aspect", ["auto", "equal"])
def test_what_is_drawn_ends_above_the_caption(tmp_path, aspect):
    with captioned_figure(tmp_path / "out.png", 3, 2, CAPTION) as figure:
        axes = figure.add_subplot(aspect=aspect, xlabel="below", title="above")
    lines = len(CAPTION.lines(3))
    assert lines == len(figure.texts) > 2
    strip = lines * LINE + MARGIN
    assert figure.get_size_inches().tolist() == [3, 2 + strip]
    box = axes.get_tightbbox().transformed(figure.dpi_scale_trans.inverted())
    assert box.y0 >= strip and box.y1 <= 2 + strip
    top = max(text.get_position()[1] for text in figure.texts)
    assert top * (2 + strip) == pytest.approx(strip)
    assert not any(text.get_parse_math() for text in figure.texts)


def test_axes_with_a_place_of_their_own_have_all_that_is_above(tmp_path):
    path = tmp_path / "out.png"
    with captioned_figure(path, 3, 2, CAPTION, dpi=100) as figure:
        axes = figure.add_axes(drawing_area(figure))
        axes.set_axis_off()
        axes.imshow([[0]], aspect="auto")
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("L"))
    assert (pixels[:200] == pixels[0, 0]).all() and pixels[0, 0] < 255
    assert (pixels[200:, :8] == 255).all()  # left of the caption


def test_letters_that_the_font_lacks_are_no_warning(tmp_path):
    caption = Caption.of("\u6c34", "curves", [])  # an error in these tests
    with captioned_figure(tmp_path / "out.png", 2, 1, caption):
        pass


def test_a_file_of_another_kind_is_refused_before_anything_is_drawn(tmp_path):
    with pytest.raises(UserError, match="got out.docx"):
        with captioned_figure(tmp_path / "out.docx", 2, 1, CAPTION):
            raise AssertionError("drawn")
