import os
import subprocess
import sys

import matplotlib

from keras_alexnet.figures.canvas import new_figure


def test_a_figure_has_matplotlibs_own_settings_while_it_is_drawn():
    with matplotlib.rc_context({"figure.facecolor": "red"}):
        with new_figure(2, 1) as figure:
            assert figure.get_facecolor() == (1, 1, 1, 1)
            assert figure.get_size_inches().tolist() == [2, 1]
        assert matplotlib.rcParams["figure.facecolor"] == "red"


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
