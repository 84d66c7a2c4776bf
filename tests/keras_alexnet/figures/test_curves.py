import itertools

import matplotlib
import pytest
from PIL import Image

from keras_alexnet.figures import FIGURES
from keras_alexnet.figures.curves import MOST_RUNS, draw, rate_drops, read_history
from tests.keras_alexnet.figures.conftest import texts
from tfrecords.errors import UserError

HEAD = "epoch,error,val_error,learning_rate\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    # Two dollar signs are a formula to matplotlib, an underscore hides the label.
    run = tmp_path_factory.mktemp("runs") / "_a$\\x$ \udcff\n"
    run.mkdir()
    (run / "history.csv").write_text(HEAD + "1,0.9,0.8,0.1\n2,0.5,0.6,0.01\n")
    return run


def test_lines_are_errors_and_differ_in_more_than_colour(run, drawn, tmp_path):
    runs = [run, *(tmp_path / f"run{n}" for n in range(8))]
    for each in runs[1:]:
        each.mkdir()
        (each / "history.csv").write_text(HEAD + "1,0.7,0.6,0.1\n2,0.4,0.5,0.1\n")
    draw(runs, tmp_path / "out.png")
    (axes,) = drawn[0].axes
    # One more where the rate of the first run fell, and the mark on it.
    training, validation, drop, mark, *others = axes.lines
    assert [90, 50] == list(training.get_ydata())
    assert [80, 60] == list(validation.get_ydata())
    assert list(drop.get_xdata()) == [1.5, 1.5] and list(mark.get_xdata()) == [1.5]
    assert mark.get_marker() == validation.get_marker()
    assert texts(drawn[0]) == [" ÷10"] and len(others) == 16
    looks = {
        (
            line.get_marker(),
            line.get_linestyle(),
            line.get_fillstyle(),
            line.get_color(),
        )
        for line in (training, validation, *others)
    }
    assert len(looks) == 18
    assert {look[1:3] for look in looks} == {(":", "none"), ("-", "full")}
    pairs = itertools.pairwise((training, *others[::2]))
    assert all(one.get_marker() != other.get_marker() for one, other in pairs)
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert len(legend) == 18 and legend[0] == "./_a$\\x$ \\xff\\n, training"


def test_a_rate_drops_where_it_falls():
    rates = [0.1, 0.1, 0.02, 0.04, 0.01, 0.0]
    history = [{"epoch": 2 * n, "learning_rate": rate} for n, rate in enumerate(rates)]
    (first, by), (second, by_then) = rate_drops(history)
    assert (first, second) == (3, 7) and (by, by_then) == pytest.approx((5, 4))


def test_there_are_runs_and_not_too_many(run, tmp_path):
    for runs in ([], [run] * (MOST_RUNS + 1)):
        with pytest.raises(UserError, match=f"1 to {MOST_RUNS} runs, got {len(runs)}"):
            draw(runs, tmp_path / "out.png")


def test_the_users_settings_do_not_change_a_picture(run, tmp_path):
    draw([run], tmp_path / "usual.png")
    with matplotlib.rc_context({"text.usetex": True, "figure.facecolor": "red"}):
        draw([run], tmp_path / "deep" / "other.PNG")
        assert matplotlib.rcParams["text.usetex"] is True
    usual = (tmp_path / "usual.png").read_bytes()
    assert (tmp_path / "deep" / "other.PNG").read_bytes() == usual
    with Image.open(tmp_path / "usual.png") as image:
        assert image.size[0] == 960 and image.size[1] > 540  # and the caption


def test_an_unknown_kind_of_picture_is_refused(run, tmp_path):
    with pytest.raises(UserError, match="got curves.docx"):
        draw([run], tmp_path / "new" / "curves.docx")
    assert not list(tmp_path.iterdir())


def test_a_history_is_read_as_numbers_and_a_missing_one_is_named(run, tmp_path):
    assert FIGURES["curves"] is draw
    first = {"epoch": 1.0, "error": 0.9, "val_error": 0.8, "learning_rate": 0.1}
    assert read_history(run)[0] == first and len(read_history(run)) == 2
    with pytest.raises(UserError, match="no epoch has finished"):
        read_history(tmp_path)
