"""One worker of a training: a process, its place among the others, and its log."""

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

JOINED = b" has joined"  # in the line that a worker prints when it has met the others
LAST_LINES = 15  # of a dead worker's log, to be shown
PR_SET_PDEATHSIG = 1  # of prctl(2)


@dataclass
class WorkerProcess:
    """A process that has been started as a worker.

    Attributes:
        number: Its index in the cluster; 0 is the chief.
        process: The process, in a session of its own: Ctrl-C comes from us alone.
        log: What it says, those of earlier starts before it.
        begin: Byte of the log at which this start began.
        copying: Copies what the chief says to the terminal too.
    """

    number: int
    process: subprocess.Popen
    log: Path
    begin: int
    copying: threading.Thread | None = None

    @classmethod
    def start(
        cls,
        command: Sequence[str],
        number: int,
        addresses: Sequence[str],
        log: Path,
        gpus: str | None = None,
    ) -> "WorkerProcess":
        """Start a worker.

        Args:
            command: What to run.
            number: Its index in the cluster.
            addresses: `host:port` of every worker; it listens on its own.
            log: File to append to what it says; the chief's is printed as well.
            gpus: CUDA_VISIBLE_DEVICES for it; None leaves the variable as it is.
        """
        task = {"type": "worker", "index": number}
        cluster = {"cluster": {"worker": list(addresses)}, "task": task}
        environment = {**os.environ, "TF_CONFIG": json.dumps(cluster)}
        if gpus is not None:
            environment["CUDA_VISIBLE_DEVICES"] = gpus
        file = log.open("ab")
        begin = file.tell()
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if number == 0 else file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
        if process.stdout is None:
            file.close()
            return cls(number, process, log, begin)
        copying = threading.Thread(
            target=_copy, args=(process.stdout, file), daemon=True
        )
        copying.start()
        return cls(number, process, log, begin, copying)

    @property
    def joined(self) -> bool:
        """Whether it has met the others."""
        return JOINED in self._said()

    @property
    def status(self) -> int | None:
        """Its exit status, 128 and the signal that killed it, or None if it runs."""
        code = self.process.poll()
        return 128 - code if code is not None and code < 0 else code

    def last_lines(self) -> list[str]:
        """Return the end of what it has said since it was started."""
        return self._said().decode(errors="replace").splitlines()[-LAST_LINES:]

    def send(self, signum: int) -> None:
        """Signal it, if it runs, and the processes that it has started."""
        if self.status is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signum)

    def wait(self) -> None:
        """Wait for its end, and until the last that it has said is in the log."""
        self.process.wait()
        if self.copying is not None:
            self.copying.join()

    def _said(self) -> bytes:
        with self.log.open("rb") as file:
            file.seek(self.begin)
            return file.read()


def _die_with_parent() -> None:
    """Have the kernel kill this process when the one that started it is killed."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _copy(source: BinaryIO, file: BinaryIO) -> None:
    """Copy what the chief says to its log and to the terminal."""
    with source, file:
        while block := os.read(source.fileno(), 1 << 16):
            file.write(block)
            file.flush()
            sys.stdout.buffer.write(block)
            sys.stdout.buffer.flush()
