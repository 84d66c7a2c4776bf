"""A contestant's worker as its own process; `worker.py` is the other end."""

import contextlib
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from peers.contestant import Contestant

FOLDER = Path(__file__).parent
ANSWER_SECONDS = 1800  # a compiler's warm-up on busy cores takes minutes
END_SECONDS = 60  # between the last answer and the end of a process


class WorkerError(Exception):
    """A worker did not do what it was told; the text is one line."""


class Worker:
    """A process that runs when it is told to.

    Args:
        contestant: Whose worker to start.
        folder: For its job and what it prints.
        cores: Numbers of the processor cores that it may use.
        job: The job, if not the contestant's own.
    """

    def __init__(
        self,
        contestant: Contestant,
        folder: Path,
        cores: Sequence[int],
        job: dict[str, Any] | None = None,
    ) -> None:
        if contestant.absent is not None:
            raise WorkerError(contestant.absent)
        name = contestant.name.replace(" ", "_").replace("/", "_")
        path = folder / f"{name}.json"
        path.write_text(json.dumps(job or contestant.job))
        self._log = folder / f"{name}.log"
        with open(self._log, "wb") as log, on_cores(cores):
            self._process = subprocess.Popen(
                [contestant.python, FOLDER / contestant.script, path],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                bufsize=0,
                env=environment(len(cores)),
            )
        self._text = b""
        self.ready = self._answer("ready")

    def run(self) -> float:
        """Return the seconds of a call."""
        with contextlib.suppress(BrokenPipeError):  # its last words say more
            self._process.stdin.write(b"run\n")
        return self._answer("seconds")

    def finish(self) -> int:
        """End it and return the most memory it had, in bytes."""
        self._process.stdin.close()
        peak = self._answer("peak_bytes")
        self.wait()
        return peak

    def wait(self) -> None:
        """Wait for the end of a worker that has done its work."""
        for pipe in (self._process.stdin, self._process.stdout):
            pipe.close()
        self._process.wait()

    def kill(self) -> None:
        """End it, whatever it is doing."""
        self._process.kill()
        self.wait()

    def _answer(self, key: str) -> Any:
        deadline = time.monotonic() + ANSWER_SECONDS
        output = self._process.stdout.fileno()
        while b"\n" not in self._text:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([output], [], [], left)[0]:
                self.kill()
                raise WorkerError(f"no answer within {ANSWER_SECONDS} s")
            more = os.read(output, 65536)
            if not more:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(END_SECONDS)
                self.kill()
                raise WorkerError(self._last_words())
            self._text += more
        line, _, self._text = self._text.partition(b"\n")
        answer = json.loads(line)
        if key not in answer:
            self.kill()
            raise WorkerError(answer.get("error", f"answered {line.decode()}"))
        return answer[key]

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        code = self._process.returncode
        return f"ended with {code}: {lines[-1] if lines else 'it printed nothing'}"


@contextlib.contextmanager
def on_cores(cores: Sequence[int]) -> Iterator[None]:
    """Start processes on these cores alone."""
    usual = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, usual)


def environment(threads: int) -> dict[str, str]:
    """Return the variables of a worker: our code, so many threads, no GPU."""
    root = str(FOLDER.parents[1])
    limits = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return {
        **os.environ,
        **dict.fromkeys(limits, str(threads)),
        "PYTHONPATH": root,
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "NO_GCE_CHECK": "true",
    }
