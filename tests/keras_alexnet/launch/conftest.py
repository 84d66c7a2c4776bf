"""Two workers that do what they are told, started by `alexnet launch`."""

import os
import shlex
import subprocess
import sys

import pytest

# Does what its arguments say for its number: worker 0 the first, worker 1 the second.
# Two of them meet by opening a pipe from either end, so that nobody sleeps.
STAND_IN = """
import json, os, pathlib, signal, sys, threading
config = json.loads(os.environ["TF_CONFIG"])
number = config["task"]["index"]
folder = pathlib.Path(sys.argv[1])
starts = folder / f"starts-{number}"
with starts.open("a") as file:
    file.write(json.dumps({"pid": os.getpid(), "config": config, "arguments": sys.argv,
                           "gpus": os.environ.get("CUDA_VISIBLE_DEVICES")}) + "\\n")
attempt = len(starts.read_text().splitlines())
print(f"worker {number} says hello", flush=True)
action = sys.argv[2 + number]
if action == "lost":
    threading.Event().wait()
if action == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if action == "polite":
    def leave(signum, frame):
        (folder / f"left-{number}").write_text(signal.Signals(signum).name)
        sys.exit(128 + signum)
    signal.signal(signal.SIGINT, leave)
    signal.signal(signal.SIGTERM, leave)
print(f"Worker {number} of 2 has joined; 2 replicas.", flush=True)
fifo = folder / "fifo"
with fifo.open("w" if number else "r") as end:  # both are this far
    pass
if action in ("deaf", "polite", "wait"):
    print("waiting", flush=True)
    threading.Event().wait()
if action == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
if action == "once" and attempt == 1:
    sys.exit(7)
if action.isdigit():
    print("bad luck", flush=True)
    sys.exit(int(action))
"""


@pytest.fixture
def launcher(tmp_path):
    """A function that starts the launcher with two stand-ins."""
    (tmp_path / "stand_in.py").write_text(STAND_IN)
    os.mkfifo(tmp_path / "fifo")

    def start(*actions, options=(), arguments=(), environment=None):
        program = f"{sys.executable} {shlex.quote(str(tmp_path / 'stand_in.py'))}"
        own = ["--logs", tmp_path / "logs", "--program", program, *options]
        command = [sys.executable, "-m", "keras_alexnet", "launch", len(actions), *own]
        command += ["--", tmp_path, *actions, *arguments]
        return subprocess.Popen(
            [str(part) for part in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )

    return start
