import json

from keras_alexnet import cli
from tests.tools import logical_devices


def test_the_command_prints_the_tables_and_writes_them(tmp_path):
    path = tmp_path / "devices.json"
    options = ["--logical-devices", "2", "--batch-size", "2", "--input-size", "67"]
    arguments = ["devices", *options, "--num-classes", "5", "--json", str(path)]
    code = f"""
import contextlib, io
from keras_alexnet import cli
out = io.StringIO()
with contextlib.redirect_stdout(out):
    status = cli.main({arguments!r})
result = [status, out.getvalue()]
"""
    status, out = logical_devices.run(code, count=2)
    figures = json.loads(path.read_text())
    assert status == 0 and figures["wrong"] == []
    assert "conv5_b" in out and "What crosses in a step of 2 images" in out
    assert figures["weights"]["conv3_b/kernel"] == "CPU:1"
    crossed = sum(c["bytes"] for c in figures["crossings"] if c["layer"])
    # conv3 3 x 3 x 128, fc6 128 and fc7 2048 both ways, fc8 2048 one way; and back.
    assert crossed == 2 * 4 * 2 * (2 * (9 * 128 + 128 + 2048) + 2048)
    assert f"{crossed:,} bytes a step" in out
    assert "Control dependencies between the towers: 0 (beside 1 that only the" in out
    assert figures["waits"] == [] and "loss scaling" not in out
    (end,) = figures["control"]
    assert (end["source"], end["target"], end["layers"]) == ("CPU:1", "CPU:0", [])


def test_devices_that_are_not_there_are_an_error(capsys):
    assert cli.main(["devices", "--devices", "GPU:0,GPU:1"]) == 1
    error = capsys.readouterr().err
    assert "one of CPU:0" in error and "'GPU:0'" in error
