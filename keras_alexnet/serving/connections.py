"""Connections: no more than can be held, and none that sends nothing for ever."""

import asyncio
import json
from functools import partial
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_CONNECTIONS = 900  # a process may mostly have 1,024 files open


class TimedConnection(H11Protocol):
    """uvicorn's, with a time for headers, and for what of a refused body is left.

    Bodies that are read have their own time, in `limits`.

    Args:
        seconds: In which headers have to arrive.
        arguments: uvicorn's.
    """

    def __init__(self, *arguments: Any, seconds: float, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for headers."""
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            self._refuse(503, "Too many connections are open. Try again in a second.")
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came; of complete headers the app is told."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()

    def on_response_complete(self) -> None:
        """Begin to wait for the next headers, and the rest of a refused body."""
        super().on_response_complete()
        if self.cycle.response_complete:  # no next one has come meanwhile
            self._wait()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        self._refuse(400, msg)

    def _wait(self) -> None:
        self._stop_waiting()
        self._timer = self.loop.call_later(self._seconds, self._give_up)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _give_up(self) -> None:
        if self.cycle is not None:  # it has been answered, and asks nothing more
            self.transport.close()
        expected = f"Expected the headers of a request within {self._seconds:g} s."
        self._refuse(408, expected)

    def _refuse(self, status: int, reason: str) -> None:
        if self.transport.is_closing():
            return
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = json.dumps({"error": reason}).encode()
            headers = [
                ("Content-Type", "application/json"),
                ("Content-Length", str(len(body))),
                ("Connection", "close"),
            ]
            response = h11.Response(status_code=status, headers=headers)
            for event in (response, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


def timed_connections(seconds: float) -> Any:
    """Return what makes `TimedConnection`s, for uvicorn."""
    return partial(TimedConnection, seconds=seconds)
