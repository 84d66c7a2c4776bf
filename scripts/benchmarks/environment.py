"""The peers' own virtual environment, made on first use."""

import json
import re
import subprocess
import sys
import venv
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tfrecords.files import write_atomically

REQUIREMENTS = Path(__file__).with_name("peers") / "requirements.txt"
STATE = "peers.json"  # in the environment: line -> why pip failed, or null
_NAME = re.compile(r"([A-Za-z0-9_.-]+)==(\S+)")


@dataclass(frozen=True)
class Environment:
    """What is installed where."""

    python: Path  # the interpreter
    # Package -> the line in which pip says why it is not there.
    failures: dict[str, str] = field(default_factory=dict)
    # Package -> release, of those that are.
    versions: dict[str, str] = field(default_factory=dict)

    def absent(self, *packages: str) -> str | None:
        """Say why the first missing one of these packages is missing, if one is."""
        for package in packages:
            if package in self.failures:
                return f"{package} does not install here: {self.failures[package]}"
        return None


def prepare_environment(folder: Path, say: Callable[[str], None]) -> Environment:
    """Make the environment, or complete one that lacks a line of the requirements.

    What failed once is not tried again; remove the folder to try everything anew.

    Args:
        folder: Of the virtual environment.
        say: Takes lines on the progress.

    Raises:
        OSError: It cannot be made there.
    """
    python = folder / "bin" / "python"
    if not python.exists():
        say(f"making {folder}")
        venv.EnvBuilder(with_pip=True).create(folder)
    state = folder / STATE
    outcome = json.loads(state.read_text()) if state.exists() else {}
    for line in requirement_lines():
        if line not in outcome:
            say(f"installing {line}")
            outcome[line] = _install(python, line)
            write_atomically(state, (json.dumps(outcome, indent=1) + "\n").encode())
    return _environment(python, outcome)


def requirement_lines() -> list[str]:
    """Return the lines of the requirements, each installed by itself."""
    lines = REQUIREMENTS.read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def failure_line(output: str) -> str:
    """Return the line of pip's output that says what went wrong."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for mark in (r"\w+Error: ", r"(?i)^error"):
        for line in lines:
            if re.search(mark, line):
                return line
    return lines[-1] if lines else "pip failed without a word"


def _install(python: Path, line: str) -> str | None:
    command = [python, "-m", "pip", "install", "--quiet", *line.split()]
    done = subprocess.run(command, capture_output=True, text=True)
    return failure_line(done.stderr) if done.returncode else None


def _environment(python: Path, outcome: dict[str, str | None]) -> Environment:
    failures, versions = {}, {}
    for line in requirement_lines():
        for name, release in _NAME.findall(line):
            if outcome[line] is None:
                versions[name] = release
            else:
                failures[name] = outcome[line]
    return Environment(python.absolute(), failures, versions)


def own_environment() -> Path:
    """Return the interpreter in which this runs: that of ours."""
    return Path(sys.executable)
