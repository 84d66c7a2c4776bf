"""A command and all its processes, measured: seconds and memory (Linux)."""

import os
import select
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SECONDS_BETWEEN_SAMPLES = 0.05
_WORTH_A_LOOK = 1.01  # growth of the resident sum after which shares are read again
_PAGE = os.sysconf("SC_PAGE_SIZE")
_SESSION_FIELD = 3  # of /proc/PID/stat, counted after the name in brackets


@dataclass(frozen=True)
class Usage:
    """What a command took."""

    wall_seconds: float  # from its start to its end
    processor_seconds: float  # user and system time, of its processes too
    peak_bytes: int  # largest sum over its processes at one moment
    # That sum's terms in bytes: the command's own process, then the others, largest
    # first.
    peak_processes: tuple[int, ...]
    # `PSS`, pages shared by n processes counted as 1/n in each, or `RSS` where the
    # kernel does not tell, or where all was over before the first look: then the
    # kernel's own peak of the first process, never too small.
    memory_kind: str


class PeakMemory:
    """The most memory that the processes of one session held together.

    Resident sizes cost next to nothing to read. Proportional ones cost milliseconds,
    on the very cores that are measured, so they are read only when the resident sum
    is higher than ever before.

    Args:
        session: session id, which is the process id of its first process.
    """

    def __init__(self, session: int):
        self._session = session
        self._foreign: set[int] = set()
        self._highest_resident = 0.0
        self.processes: tuple[int, ...] = ()
        self.kind = "PSS"

    def sample(self) -> None:
        """Look once."""
        members = self._members()
        resident = sum(_resident(pid) for pid in members)
        if resident <= self._highest_resident * _WORTH_A_LOOK:
            return
        self._highest_resident = resident
        shares = [_proportional(pid) for pid in members]
        if None in shares:  # a process has just ended, or the kernel does not tell
            if all(share is None for share in shares):
                self.kind = "RSS"
                shares = [_resident(pid) for pid in members]
        known = {pid: share or 0 for pid, share in zip(members, shares, strict=True)}
        if sum(known.values()) > sum(self.processes):
            first = known.pop(self._session, 0)
            self.processes = (first, *sorted(known.values(), reverse=True))

    def _members(self) -> list[int]:
        pids = {int(name) for name in os.listdir("/proc") if name.isdigit()}
        self._foreign &= pids
        own = {pid for pid in pids - self._foreign if _session(pid) == self._session}
        self._foreign |= pids - own
        return sorted(own)


def measure_command(
    command: Sequence[str], log: Path, variables: dict[str, str] | None = None
) -> Usage:
    """Run a command to its end.

    Args:
        command: program and arguments.
        log: file that takes what it prints.
        variables: of its environment; None: those of this process.

    Raises:
        RuntimeError: it failed; the text holds the end of what it printed.
    """
    start = time.monotonic()
    with open(log, "wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=variables,
        )
    peak = PeakMemory(process.pid)
    try:
        _watch(process.pid, peak)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    wall = time.monotonic() - start
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        tail = log.read_text(errors="replace")[-2000:]
        raise RuntimeError(
            f"{' '.join(command)} failed ({process.returncode}):\n{tail}"
        )
    if not peak.processes:
        peak.processes, peak.kind = (used.ru_maxrss * 1024,), "RSS"
    processor = used.ru_utime + used.ru_stime
    return Usage(wall, processor, sum(peak.processes), peak.processes, peak.kind)


def _watch(pid: int, peak: PeakMemory) -> None:
    ended = os.pidfd_open(pid)
    try:
        peak.sample()
        while not select.select([ended], [], [], SECONDS_BETWEEN_SAMPLES)[0]:
            peak.sample()
    finally:
        os.close(ended)


def _session(pid: int) -> int | None:
    text = _read(pid, "stat")
    return int(text.rpartition(")")[2].split()[_SESSION_FIELD]) if text else None


def _resident(pid: int) -> int:
    text = _read(pid, "statm")
    return int(text.split()[1]) * _PAGE if text else 0


def _proportional(pid: int) -> int | None:
    for line in _read(pid, "smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return None


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except OSError:
        return ""  # it has ended
