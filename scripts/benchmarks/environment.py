"""The peers' own virtual environment, made on first use."""

import json
import re
import subprocess
import venv
from pathlib import Path

from tfrecords.files import write_atomically
from tfrecords.plain_text import say

REQUIREMENTS = Path(__file__).with_name("peers") / "requirements.txt"
STATE = "peers.json"  # in the environment: line -> why pip failed, or null


def prepare_environment(folder: Path) -> dict[str, str | None]:
    """Install each line of the requirements, unless that was tried before.

    Returns:
        Line -> why it does not install here; None where it does.
    """
    python, state = folder / "bin" / "python", folder / STATE
    if not python.exists():
        venv.EnvBuilder(with_pip=True).create(folder)
    outcome = json.loads(state.read_text()) if state.exists() else {}
    for line in REQUIREMENTS.read_text().splitlines():
        if line not in outcome and not line.startswith("#"):
            say(f"installing {line}", error=True)
            pip = [python, "-m", "pip", "install", "--quiet", *line.split()]
            done = subprocess.run(pip, capture_output=True, text=True)
            outcome[line] = failure_line(done.stderr) if done.returncode else None
            write_atomically(state, (json.dumps(outcome, indent=1) + "\n").encode())
    return outcome


def failure_line(output: str) -> str:
    """Return what pip's output says of what went wrong."""
    found = re.search(r"\w+Error: .+", output) or re.search("(?i)error.+", output)
    return found.group() if found else "pip failed without a word"
