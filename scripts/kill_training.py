"""Kill trainings at random moments, resume them, and compare with one left alone.

    python scripts/kill_training.py DATA --mode single --runs 10 --seed 0 \\
        --epochs 3 --batch-size 16 --save-every 5

Options that are not this script's own go to `alexnet train`. One run is left alone; the
others are killed with SIGKILL at a moment drawn from its duration, then resumed until
they are finished. In the mode `workers` a group of two is started by launch_workers.py,
and one of the two is killed. The exit status is 0 if every run ends with the same
weights, velocities, counters and history, bit by bit.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from keras_alexnet.training.state.checkpoint import (
    Checkpoint,
    list_checkpoints,
    newest_checkpoint,
)
from tfrecords.files import write_atomically
from tfrecords.tables import Console, Table

ALEXNET = [sys.executable, "-m", "keras_alexnet", "train"]
LAUNCHER = [sys.executable, str(Path(__file__).with_name("launch_workers.py"))]
# What each mode adds to the options of `alexnet train`, unless they say it themselves.
MODE_OPTIONS = {
    "single": {},
    "towers": {"--strategy": "towers", "--logical-devices": "2"},
    "workers": {"--strategy": "multiworker"},
}
POLL = 0.05  # seconds between two looks at a process


@dataclass
class Outcome:
    """What became of one run.

    Attributes:
        run: Its number.
        kills: For each kill, which process, after how many seconds, and the newest
            checkpoint at that moment.
        starts: How often it was started.
        largest_difference: Of any number in the state from the run left alone.
        history_equal: Whether the rows agree, but for the seconds.
    """

    run: int
    kills: list[dict] = field(default_factory=list)
    starts: int = 0
    largest_difference: float = 0.0
    history_equal: bool = False

    @property
    def equal(self) -> bool:
        """Whether it was killed and ended as the run left alone."""
        whole = self.largest_difference == 0 and self.history_equal
        return whole and bool(self.kills)


class Training:
    """One run folder, started and killed at will.

    Args:
        folder: The run folder.
        options: Of this script.
    """

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self.folder = folder
        self.options = options
        self.log = folder.with_suffix(".log")

    def start(self) -> subprocess.Popen:
        """Begin, or go on if there is something to go on from."""
        arguments = [str(self.options.data), str(self.folder), *train_options(self)]
        if (self.folder / "config.json").exists():
            arguments.append("--resume")
        command = [*ALEXNET, *arguments]
        if self.options.mode == "workers":
            logs = ["--logs", str(self.folder.with_suffix(".logs"))]
            command = [*LAUNCHER, "2", *logs, "--", "train", *arguments]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    def finish(self) -> float:
        """Start, wait for the end, and return the seconds since training began."""
        process = self.start()
        begun = self.await_training(process)
        if process.wait():
            sys.exit(f"The training failed with {process.returncode}; see {self.log}.")
        return time.monotonic() - begun

    def await_training(self, process: subprocess.Popen) -> float:
        """Return the time at which the run folder was there."""
        config = self.folder / "config.json"
        while not config.exists() and process.poll() is None:
            time.sleep(POLL)
        return time.monotonic()

    def kill_after(
        self, process: subprocess.Popen, seconds: float, draw: random.Random
    ) -> dict | None:
        """Kill one process of the training; None if it was over before."""
        end = self.await_training(process) + seconds
        while time.monotonic() < end:
            if process.poll() is not None:
                return None
            time.sleep(POLL)
        victims = workers(process.pid)
        if self.options.mode != "workers":
            victims = {"training": process.pid}
        if not victims:
            return None
        name = draw.choice(sorted(victims))
        os.kill(victims[name], signal.SIGKILL)
        newest = list_checkpoints(self.folder / "checkpoints")[-1:]
        return {
            "process": name,
            "seconds": round(seconds, 2),
            "checkpoint": newest[0].stem if newest else None,
        }


def train_options(training: Training) -> list[str]:
    """Return the options of `alexnet train`: the user's, and those of the mode."""
    given = [*training.options.train, "--seed", str(training.options.seed)]
    for name, value in MODE_OPTIONS[training.options.mode].items():
        if name not in given:
            given += [name, value]
    return given


def workers(launcher: int) -> dict[str, int]:
    """Return the processes of a group by their task: `worker 0` is the chief."""
    found = {}
    for pid in descendants(launcher):
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            continue  # it has just ended
        for entry in environment:
            if entry.startswith(b"TF_CONFIG="):
                task = json.loads(entry.removeprefix(b"TF_CONFIG="))["task"]
                found[f"{task['type']} {task['index']}"] = pid
    return found


def descendants(pid: int) -> list[int]:
    """Return the children of a process, their children, and so on."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    children = [int(child) for child in text.split()]
    return children + [grand for child in children for grand in descendants(child)]


def differences(one: Checkpoint, other: Checkpoint) -> tuple[float, bool]:
    """Return the largest difference of the arrays, and whether the history agrees."""
    largest = 0.0
    if set(one.arrays) != set(other.arrays):
        largest = float("inf")
    for name in set(one.arrays) & set(other.arrays):
        a, b = one.arrays[name], other.arrays[name]
        if a.tobytes() != b.tobytes():
            gap = np.abs(a.astype(np.float64) - b.astype(np.float64)).max()
            largest = max(largest, float(gap) or np.finfo(np.float64).tiny)
    states = []
    for state in (one.state, other.state):
        rows = [
            {k: v for k, v in r.items() if k != "seconds"} for r in state["history"]
        ]
        states.append({**state, "history": rows})
    return largest, states[0] == states[1]


def kill_and_resume(
    number: int, training: Training, duration: float, draw: random.Random
) -> Outcome:
    """Kill a run as often as asked, then let it finish."""
    outcome = Outcome(number)
    while len(outcome.kills) < training.options.kills:
        outcome.starts += 1
        begun = time.monotonic()
        process = training.start()
        kill = training.kill_after(process, draw.uniform(0, duration), draw)
        status = process.wait()
        if kill is not None:
            outcome.kills.append(kill)
        elif status:
            sys.exit(f"The training failed with {status}; see {training.log}.")
        elif outcome.kills:
            return outcome
        else:  # faster than the first: try an earlier moment
            duration = min(duration, time.monotonic() - begun)
            shutil.rmtree(training.folder)
    outcome.starts += 1
    training.finish()
    return outcome


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the options; those of `alexnet train` under `train`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="dataset folder")
    parser.add_argument("--mode", choices=MODE_OPTIONS, default="single")
    parser.add_argument("--runs", type=int, default=10, help="runs to kill")
    parser.add_argument("--kills", type=int, default=1, help="kills of each run")
    parser.add_argument(
        "--seed", type=int, default=0, help="of the trainings and of the moments"
    )
    parser.add_argument("--out", type=Path, help="folder for the runs; else temporary")
    parser.add_argument("--json", type=Path, help="write the outcomes to this file")
    options, options.train = parser.parse_known_args(arguments)
    return options


def show(outcomes: list[Outcome]) -> None:
    """Print the outcomes as a table."""
    table = Table("run", "killed", "newest checkpoint then", "starts", "difference")
    for outcome in outcomes:
        killed = [f"{k['process']} after {k['seconds']} s" for k in outcome.kills]
        held = [str(k["checkpoint"] or "none") for k in outcome.kills]
        gap = "none" if outcome.equal else f"{outcome.largest_difference:g}"
        if not outcome.history_equal:
            gap += ", history differs"
        table.add_row(
            *(str(outcome.run), "\n".join(killed) or "never", "\n".join(held)),
            *(str(outcome.starts), gap),
        )
    Console().print(table)


def run_all(options: argparse.Namespace, folder: Path) -> list[Outcome]:
    """Train once in peace, then kill and resume; compare each with the first."""
    draw = random.Random(options.seed)
    alone = Training(folder / "alone", options)
    duration = alone.finish()
    expected = newest_checkpoint(alone.folder / "checkpoints")
    print(f"Left alone: {duration:.1f} s. Logs and runs: {folder}", flush=True)
    outcomes = []
    for number in range(1, options.runs + 1):
        training = Training(folder / f"run{number:02d}", options)
        outcome = kill_and_resume(number, training, duration, draw)
        ours = newest_checkpoint(training.folder / "checkpoints")
        gap, outcome.history_equal = differences(expected, ours)
        outcome.largest_difference = gap
        outcomes.append(outcome)
        print(f"run {number}: {'equal' if outcome.equal else 'NOT EQUAL'}", flush=True)
    return outcomes


def main(arguments: list[str] | None = None) -> int:
    """Do it all and return the exit status."""
    options = parse(arguments)
    folder = options.out or Path(tempfile.mkdtemp(prefix="kill_training_"))
    folder.mkdir(parents=True, exist_ok=True)
    outcomes = run_all(options, folder)
    show(outcomes)
    equal = sum(outcome.equal for outcome in outcomes)
    print(f"{equal} of {len(outcomes)} runs were killed and ended equal.")
    if options.json:
        figures = {
            "mode": options.mode,
            "seed": options.seed,
            "train_options": options.train,
            "equal": equal,
            "runs": [{**asdict(o), "equal": o.equal} for o in outcomes],
        }
        write_atomically(options.json, (json.dumps(figures, indent=1) + "\n").encode())
    return 0 if equal == len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
