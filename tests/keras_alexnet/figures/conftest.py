"""Figures are looked at before they are files."""

import functools
from pathlib import Path

import pytest

from keras_alexnet.figures import canvas
from keras_alexnet.trained import opening
from tests import small


@pytest.fixture(autouse=True, scope="package")
def opened_once():
    """Open each network once, and trace what it computes once."""
    load = functools.cache(opening.load)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(opening, "load", lambda path, **_: load(Path(path)))
        yield


@pytest.fixture
def drawn(monkeypatch):
    """A list of the figures that are saved, which are written all the same."""
    figures, save = [], canvas.save_figure

    def keep(figure, *arguments):
        save(figure, *arguments)
        figures.append(figure)

    monkeypatch.setattr(canvas, "save_figure", keep)
    return figures


@pytest.fixture(scope="package")
def red(tmp_path_factory):
    """A picture in a folder of its class."""
    path = tmp_path_factory.mktemp("pictures") / "red" / "a$x$_\udcff.jpg"
    path.parent.mkdir()
    path.write_bytes(small.encode(small.picture(2, 33)))
    return path


def texts(figure):
    """All that is written in a figure's axes, in order."""
    return [text.get_text() for axes in figure.axes for text in axes.texts]
