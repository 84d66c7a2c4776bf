import os
import subprocess
import sys

import matplotlib
import pytest

from keras_alexnet.figures.canvas import check_picture_file, new_figure, save_figure
from tfrecords.errors import UserError


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
