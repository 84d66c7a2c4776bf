import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[1] / "scripts"

# Stands for `alexnet`: notes its arguments and leaves the file of each step, each newer
# than the one before.
ALEXNET = """#!/usr/bin/env bash
echo "$*" >>calls.txt
leave() { mkdir -p "$(dirname "$2")"; touch -d "@$1" "$2"; }
case $1 in
    build) [[ -f $3/manifest.json ]] || leave 100 "$3/manifest.json" ;;
    verify) [[ -z ${BAD:-} ]] || exit 1; leave 200 "$4" ;;
    train) leave 300 "$3/config.json"; leave 300 "$3/network.keras" ;;
    evaluate) leave 400 "$7" ;;
    export) mkdir -p "$3/1"; touch -d @500 "$3/1" ;;
esac
"""


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """Run the recipe with stubs for the environment and for `alexnet`."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / "tars").mkdir()
    script = tmp_path / "scripts" / "imagenet2012.sh"
    script.write_text((SCRIPTS / "imagenet2012.sh").read_text())
    (tmp_path / "scripts" / "environment.sh").touch()
    alexnet = tmp_path / ".venv" / "bin" / "alexnet"
    alexnet.write_text(ALEXNET)
    alexnet.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    calls = tmp_path / "calls.txt"

    def run(*arguments):
        calls.unlink(missing_ok=True)
        done = subprocess.run(["bash", script, *arguments], capture_output=True)
        lines = calls.read_text().splitlines() if calls.exists() else []
        return done.returncode, [line.split() for line in lines]

    return run


def test_all_steps_then_only_what_finds_out_by_itself_that_it_is_done(recipe):
    status, calls = recipe("tars", "out")
    assert status == 0
    assert [call[0] for call in calls] == (
        "build verify train evaluate evaluate export".split()
    )
    assert "--resume" not in calls[2]
    assert [call[call.index("--views") + 1] for call in calls[3:5]] == ["1", "10"]
    status, calls = recipe("tars", "out")
    assert status == 0
    assert [call[0] for call in calls] == ["build", "train"]
    assert "--resume" in calls[1]


def test_a_dataset_that_is_not_sound_is_not_trained_on(recipe, monkeypatch):
    monkeypatch.setenv("BAD", "1")
    for _ in range(2):
        status, calls = recipe("tars", "out")
        assert status == 1
        assert [call[0] for call in calls] == ["build", "verify"]
    monkeypatch.delenv("BAD")
    status, calls = recipe("tars", "out")
    assert status == 0 and len(calls) == 6


def test_arguments_are_explained(recipe):
    assert recipe("tars") == (2, [])
