import pytest

from keras_alexnet import cli
from keras_alexnet.record import Figure, Record


def test_the_table_is_printed_and_the_record_written(tmp_path, monkeypatch, capsys):
    told = []

    def measure(options):
        told.append(options)
        return Record.now(
            "step", "Steps", [Figure("step", 7.0, "images/s")], ["A note."]
        )

    from keras_alexnet.benchmark import step

    measure.__annotations__["options"] = step.StepOptions
    monkeypatch.setattr(step, "measure", measure)
    path = tmp_path / "new" / "step.json"
    command = ["benchmark", "step", "--batch-sizes", "3", "--json", str(path)]
    assert cli.main(command) == 0
    assert told[0].batch_sizes == (3,) and told[0].preset == "released"
    printed = capsys.readouterr().out
    assert "7 images/s" in printed and "A note." in printed
    assert Record.load(path).value("step") == 7.0


@pytest.mark.parametrize("arguments", [[], ["steps"]])
def test_another_kind_is_refused(arguments, capsys):
    assert cli.main(["benchmark", *arguments]) == 1
    error = capsys.readouterr().err
    for kind in ("step", "inference", "input DATA", "fit DATA"):
        assert f"`alexnet benchmark {kind}`" in error


def test_help_needs_no_tensorflow():
    import subprocess
    import sys

    code = (
        "import sys; sys.modules['tensorflow'] = sys.modules['keras'] = None;"
        "from keras_alexnet.cli import main\n"
        "for kind in sys.argv[1:]:\n"
        "    try: main(['benchmark', kind, '--help'])\n"
        "    except SystemExit: pass\n"
    )
    kinds = ("step", "inference", "input", "fit")
    command = [sys.executable, "-c", code, *kinds]
    done = subprocess.run(command, capture_output=True, text=True)
    for kind in kinds:
        assert f"usage: alexnet benchmark {kind}" in done.stdout, done.stderr
