import os
import subprocess
import sys

import matplotlib
import pytest
from PIL import Image

from keras_alexnet.figures.curves import plot_curves
from tfrecords.errors import DatasetError


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    # Two dollar signs are a formula to matplotlib, an underscore hides the label.
    run = tmp_path_factory.mktemp("runs") / "_a$\\x$ \udcff\n"
    run.mkdir()
    head = "epoch,error,val_error,learning_rate\n"
    (run / "history.csv").write_text(head + "1,0.9,0.8,0.1\n2,0.5,0.6,0.01\n")
    return run


def test_the_users_settings_do_not_change_a_picture(run, tmp_path):
    plot_curves([run], tmp_path / "usual.png")
    with matplotlib.rc_context({"text.usetex": True, "figure.facecolor": "red"}):
        plot_curves([run], tmp_path / "deep" / "other.PNG")
        assert matplotlib.rcParams["text.usetex"] is True
    usual = (tmp_path / "usual.png").read_bytes()
    assert (tmp_path / "deep" / "other.PNG").read_bytes() == usual
    with Image.open(tmp_path / "usual.png") as image:
        assert image.size == (960, 540)


def test_an_unknown_kind_of_picture_is_refused(run, tmp_path):
    with pytest.raises(DatasetError, match="got curves.docx"):
        plot_curves([run], tmp_path / "new" / "curves.docx")
    assert not list(tmp_path.iterdir())


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
