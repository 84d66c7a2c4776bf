"""Connections: no more than can be held, and none that sends nothing for ever."""

import asyncio
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_CONNECTIONS = 900  # a process may mostly have 1,024 files open


class LingeringTransport:
    """One that ends its own half alone while the other side still sends.

    Closed at once, it would answer what comes with a reset, and the other side might
    never read why it was refused.

    Args:
        transport: asyncio's.
        is_sent_to: Tells whether the other side is in the middle of a request.

    Attributes:
        lingers: Whether only the other half is still open.
    """

    def __init__(
        self, transport: asyncio.Transport, is_sent_to: Callable[[], bool]
    ) -> None:
        self._transport = transport
        self._is_sent_to = is_sent_to
        self.lingers = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        """Return whether nothing more may be written."""
        return self.lingers or self._transport.is_closing()

    def close(self) -> None:
        """End what is written, and all of it where nothing more comes."""
        if self.is_closing() or not self._is_sent_to():
            self._transport.close()
        else:
            self.lingers = True
            self._transport.write_eof()


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
        self._open = LingeringTransport(transport, self._is_sent_to)
        super().connection_made(self._open)  # type: ignore[arg-type]
        if len(self.connections) > MOST_CONNECTIONS:
            self._refuse(503, "Too many connections are open. Try again in a second.")
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came; of complete headers the app is told."""
        if self._open.lingers:
            return
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()

    def on_response_complete(self) -> None:
        """Begin to wait for the next headers, and the rest of a refused body."""
        super().on_response_complete()
        self.flow.resume_reading()  # or it would be read no further
        if self.cycle.response_complete:  # no next one has come meanwhile
            self._wait()

    def shutdown(self) -> None:
        """End, or finish what is being answered."""
        if self._open.lingers:
            self.transport.close()
        else:
            super().shutdown()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        self._refuse(400, msg)

    def _is_sent_to(self) -> bool:
        return self.conn.their_state is h11.SEND_BODY

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
