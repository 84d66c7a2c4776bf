"""A server in a process of its own, and requests to it over a few connections."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ALEXNET = (sys.executable, "-m", "keras_alexnet", "serve")
START_SECONDS = 120


@dataclass
class Server:
    """A process that answers at a port of this machine."""

    process: subprocess.Popen
    port: int
    log: Path

    def memory(self, field: str = "VmHWM") -> int:
        """Return a line of its memory in bytes: VmHWM is the most so far (Linux)."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        (line,) = [each for each in text.splitlines() if each.startswith(field)]
        return int(line.split()[1]) * 1024

    def end(self, signal: int) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(signal)
        return self.process.wait(60)


@contextmanager
def started(command: Sequence[str], log: Path) -> Iterator[Server]:
    """Give a server that answers; it is killed at the end, if it still runs.

    Args:
        command: That prints a line with `http://HOST:PORT` when it answers.
        log: Takes what it prints.

    Raises:
        RuntimeError: It has ended, or prints no such line.
    """
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONUNBUFFERED": "1"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=quiet
        )
    try:
        yield Server(process, _wait_for_port(process, log), log)
    finally:
        process.kill()
        process.wait()


def _wait_for_port(process: subprocess.Popen, log: Path) -> int:
    until = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        for line in log.read_text(errors="replace").splitlines():
            if "http://127.0.0.1:" in line:
                return int(line.split("http://127.0.0.1:")[1].split()[0].rstrip("/"))
        time.sleep(0.05)
    raise RuntimeError(f"No server: {log.read_text(errors='replace')[-2000:]}")


@dataclass(frozen=True)
class Answer:
    """What came back: status 0 where nothing did."""

    status: int
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


class Client:
    """One connection, that is opened again where it was closed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, *parts: bytes, pause: float = 0, cut: bool = False) -> Answer:
        """Send a request in parts, with a pause before the last, and take the answer.

        Args:
            parts: As they are.
            pause: Seconds.
            cut: Close the connection in place of taking it.
        """
        begun = time.monotonic()
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection("127.0.0.1", self._port)
            reader, writer = self._streams
            for part in parts[:-1]:
                writer.write(part)
                await writer.drain()
            await asyncio.sleep(pause)
            writer.write(parts[-1])
            if cut:
                raise ConnectionResetError
            status, body, stays = await _read(reader)
            # Of what is answered before it was sent the rest is not sent, as with curl.
            if not stays or writer.transport.get_write_buffer_size():
                self.close()
            return Answer(status, body, time.monotonic() - begun)
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            return Answer(0, b"", time.monotonic() - begun)

    def close(self) -> None:
        """End the connection."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None


async def _read(reader: asyncio.StreamReader) -> tuple[int, bytes, bool]:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.split(b"content-length:")[1].split()[0])
    stays = b"connection: close" not in head
    return int(head.split()[1]), await reader.readexactly(length), stays


def post(path: str, body: bytes, kind: str = "image/jpeg") -> bytes:
    """Return a request, for `Client.send`."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


@dataclass
class Load:
    """What some clients found who asked one thing after the other.

    Attributes:
        answers: By the number of the request.
        seconds: From the first request to the last answer.
    """

    answers: dict[int, Answer] = field(default_factory=dict)
    seconds: float = 0.0


def ask(
    port: int,
    count: int,
    clients: int,
    request: Callable[[int, Client], Awaitable[Answer]],
) -> Load:
    """Send requests from several clients, each with one connection.

    Args:
        port: Of the server.
        count: Requests of all clients together.
        clients: That ask at a time.
        request: From the number of a request and a client to its answer.
    """
    load = Load()

    async def go() -> None:
        numbers = iter(range(count))

        async def run() -> None:
            client = Client(port)
            for number in numbers:
                load.answers[number] = await request(number, client)
            client.close()

        begun = time.monotonic()
        await asyncio.gather(*(run() for _ in range(clients)))
        load.seconds = time.monotonic() - begun

    asyncio.run(go())
    return load
