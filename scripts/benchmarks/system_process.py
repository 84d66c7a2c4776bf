"""The process of a system: started, told when to run, and ended."""

import contextlib
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.benchmarks.system import System

ROOT = Path(__file__).parents[2]
END_SECONDS = 60  # between the last answer and the end of a process


class SystemFailure(RuntimeError):
    """A system did not do what it was told; the text is one line."""


class SystemProcess:
    """A process that runs when it is told to.

    Args:
        system: Whose program to start.
        folder: For its job and what it prints.
        cores: Numbers of the processor cores that it may use.
        job: The job, if not the system's own.
        variables: More variables of its environment.
        timeout: Seconds within which each answer has to come.
    """

    def __init__(
        self,
        system: System,
        folder: Path,
        cores: Sequence[int],
        job: Mapping[str, Any] | None = None,
        variables: Mapping[str, str] | None = None,
        timeout: float = 1800.0,  # a compiler's warm-up on busy cores takes minutes
    ) -> None:
        if system.absent is not None:
            raise SystemFailure(system.absent)
        name = system.name.replace(" ", "_").replace("/", "_")
        path = folder / f"{name}.json"
        path.write_text(json.dumps(job or system.job))
        self._log = folder / f"{name}.log"
        with open(self._log, "wb") as log, on_cores(cores):
            self._process = subprocess.Popen(
                [*command(system.program, system.python), path],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                bufsize=0,
                env={**environment(len(cores)), **(variables or {})},
            )
        self._timeout = timeout
        self._text = b""

    def ready(self) -> dict[str, Any]:
        """Wait until it is; return what it says of itself."""
        return self.answer("ready")["ready"]

    def order(self) -> None:
        """Tell it to run; `answer` waits for it."""
        with contextlib.suppress(BrokenPipeError):  # its last words say more
            self._process.stdin.write(b"run\n")

    def run(self) -> float:
        """Return the seconds of a call."""
        self.order()
        return self.answer("seconds")["seconds"]

    def finish(self) -> int:
        """End it and return the most memory it had, in bytes."""
        self._process.stdin.close()
        peak = self.answer("peak_bytes")["peak_bytes"]
        self.wait()
        return peak

    def wait(self) -> None:
        """Wait for the end of a system that has done its work."""
        for pipe in (self._process.stdin, self._process.stdout):
            pipe.close()
        self._process.wait()

    def kill(self) -> None:
        """End it, whatever it is doing."""
        self._process.kill()
        self.wait()

    def answer(self, key: str) -> dict[str, Any]:
        """Wait for an answer with this key.

        Raises:
            SystemFailure: Another one comes, or none in time.
        """
        deadline = time.monotonic() + self._timeout
        output = self._process.stdout.fileno()
        while b"\n" not in self._text:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([output], [], [], left)[0]:
                self.kill()
                raise SystemFailure(f"no answer within {self._timeout:g} s")
            more = os.read(output, 65536)
            if not more:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(END_SECONDS)
                self.kill()
                raise SystemFailure(self._last_words())
            self._text += more
        line, _, self._text = self._text.partition(b"\n")
        answer = json.loads(line)
        if key not in answer:
            self.kill()
            raise SystemFailure(answer.get("error", f"answered {line.decode()}"))
        return answer

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        code = self._process.returncode
        return f"ended with {code}: {lines[-1] if lines else 'it printed nothing'}"


def command(program: str, python: Path) -> list[str]:
    """Return the command of a program, without the path of its job."""
    # Not from its own folder: peers/torch.py would hide the package torch.
    file = [program] if program.endswith(".py") else ["-m", program]
    return [str(python), "-P", *file]


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
    """Return the variables of a system: our code, so many threads, no GPU."""
    limits = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return {
        **os.environ,
        **dict.fromkeys(limits, str(threads)),
        "PYTHONPATH": str(ROOT),
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "NO_GCE_CHECK": "true",
    }
