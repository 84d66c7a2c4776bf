"""The process of a system: started, told when to run, and ended."""

import contextlib
import json
import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.benchmarks.system import System

ROOT = Path(__file__).parents[2]
THREADS = ("OMP_NUM", "MKL_NUM", "OPENBLAS_NUM", "TF_NUM_INTRAOP")
END_SECONDS = 60  # between the last answer and the end of a process


class SystemFailure(RuntimeError):
    """A system did not do what it was told; the text is one line."""


class SystemProcess:
    """A process that runs when it is told to; its first answer is `ready`.

    Args:
        system: Whose program to start.
        folder: For its job and what it prints.
        cores: Numbers of the processor cores that it may use.
        variables: More variables of its environment.
        timeout: Seconds within which each answer has to come; may be changed.
    """

    def __init__(
        self,
        system: System,
        folder: Path,
        cores: Sequence[int],
        variables: Mapping[str, str] | None = None,
        timeout: float = 1800.0,  # a compiler's warm-up on busy cores takes minutes
    ) -> None:
        path, self._log = (folder / f"{system.name}.{end}" for end in ("json", "log"))
        path.write_text(json.dumps(system.job))
        self.timeout = timeout
        # Not from its own folder: peers/torch.py would hide the package torch.
        module = [] if system.program.endswith(".py") else ["-m"]
        command = [system.python, "-P", *module, system.program, path]
        pipe, usual = subprocess.PIPE, os.sched_getaffinity(0)
        own = {
            **os.environ,
            **{f"{library}_THREADS": str(len(cores)) for library in THREADS},
            **{"PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "-1"},
            **{"TF_CPP_MIN_LOG_LEVEL": "3", "NO_GCE_CHECK": "true"},
            **(variables or {}),
        }
        os.sched_setaffinity(0, cores)  # which the process inherits
        try:
            with open(self._log, "wb") as log:
                self._process = subprocess.Popen(
                    command, stdin=pipe, stdout=pipe, stderr=log, bufsize=0, env=own
                )
        finally:
            os.sched_setaffinity(0, usual)

    def order(self, words: str = "run") -> None:
        """Tell it to run; `answer` waits for it."""
        with contextlib.suppress(BrokenPipeError):  # its last words say more
            self._process.stdin.write(f"{words}\n".encode())

    def run(self, words: str = "run") -> float:
        """Return the seconds of a call."""
        self.order(words)
        return self.answer("seconds")["seconds"]

    def finish(self) -> int:
        """End it and return the most memory it had, in bytes."""
        self._process.stdin.close()
        return self.answer("peak_bytes")["peak_bytes"]

    def kill(self) -> None:
        """End it, whatever it is doing."""
        with self._process:  # whose pipes are closed
            self._process.kill()

    def answer(self, key: str) -> dict[str, Any]:
        """Wait for an answer with this key.

        Raises:
            SystemFailure: Another one comes, or none in time.
        """
        start = time.monotonic()
        timer = threading.Timer(self.timeout, self._process.kill)
        timer.start()
        line = self._process.stdout.readline()
        timer.cancel()
        answer = json.loads(line or "{}")
        if key in answer:
            return answer
        if not line:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(END_SECONDS)
        self.kill()
        if time.monotonic() - start >= self.timeout:
            raise SystemFailure(f"no answer within {self.timeout:g} s")
        words = self._log.read_text(errors="replace").strip().splitlines()[-1:]
        ended = f"ended with {self._process.returncode}: {''.join(words)}"
        raise SystemFailure(answer.get("error", ended))
