"""The worker processes of a program."""

import psutil


def forked(start: psutil.Process) -> list[psutil.Process]:
    """Return what the server of a program has forked so far."""
    return [
        process
        for process in start.children(recursive=True)
        if process.ppid() != start.pid and "forkserver" in " ".join(process.cmdline())
    ]
