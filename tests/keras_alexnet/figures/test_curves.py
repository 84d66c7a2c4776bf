import matplotlib
import pytest
from PIL import Image

from keras_alexnet.figures import FIGURES
from keras_alexnet.figures.curves import draw, read_history
from tfrecords.errors import UserError


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    # Two dollar signs are a formula to matplotlib, an underscore hides the label.
    run = tmp_path_factory.mktemp("runs") / "_a$\\x$ \udcff\n"
    run.mkdir()
    head = "epoch,error,val_error,learning_rate\n"
    (run / "history.csv").write_text(head + "1,0.9,0.8,0.1\n2,0.5,0.6,0.01\n")
    return run


def test_the_users_settings_do_not_change_a_picture(run, tmp_path):
    draw([run], tmp_path / "usual.png")
    with matplotlib.rc_context({"text.usetex": True, "figure.facecolor": "red"}):
        draw([run], tmp_path / "deep" / "other.PNG")
        assert matplotlib.rcParams["text.usetex"] is True
    usual = (tmp_path / "usual.png").read_bytes()
    assert (tmp_path / "deep" / "other.PNG").read_bytes() == usual
    with Image.open(tmp_path / "usual.png") as image:
        assert image.size == (960, 540)


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
