import json
import platform
import subprocess
import sys

import keras
import tensorflow as tf

from keras_alexnet import cli
from keras_alexnet.version import VERSION


def test_version(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"alexnet {VERSION}\n"


def test_info_says_what_a_bug_report_should(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    monkeypatch.setenv("MPLBACKEND", "nowhere")
    monkeypatch.setenv("TF_VAR_password", "secret")
    path = tmp_path / "new" / "info.json"
    assert cli.main(["info", "--json", str(path)]) == 0
    facts = json.loads(path.read_text())
    assert facts["versions"]["keras_alexnet"] == VERSION
    assert facts["versions"]["python"] == platform.python_version()
    assert facts["versions"]["tensorflow"] == tf.__version__
    assert facts["versions"]["keras"] == keras.__version__
    assert facts["machine"]["cores"] >= 1
    assert not [i for i in facts["machine"]["instructions"] if i.startswith("avx512")]
    assert "CPU:0" in [device["name"] for device in facts["devices"]]
    assert facts["environment"]["MPLBACKEND"] == "nowhere"
    printed = capsys.readouterr().out
    for value in (*facts["versions"].values(), "ONEDNN_MAX_CPU_ISA", "not installed"):
        assert (value or "not installed") in printed
    assert "secret" not in printed + path.read_text()


def test_info_works_where_tensorflow_does_not(tmp_path):
    # In a process that has imported nothing, so that nothing else may need it either.
    code = (
        "import sys; sys.modules['tensorflow'] = sys.modules['keras'] = None;"
        "from keras_alexnet.cli import main; raise SystemExit(main(sys.argv[1:]))"
    )
    path = tmp_path / "info.json"
    done = subprocess.run(
        [sys.executable, "-c", code, "info", "--json", str(path)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "tensorflow cannot be imported: " in done.stdout
    facts = json.loads(path.read_text())
    assert facts["devices"] == [] and facts["machine"]["cores"] >= 1


def test_windows_is_refused_in_one_line(capsys, monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    assert cli.main(["verify", "x"]) == 1
    error = capsys.readouterr().err
    assert "WSL" in error and error.count("\n") == 1
