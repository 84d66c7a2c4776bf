"""The process that answers: its socket, its signals and its end."""

import contextlib
import signal
import socket
from collections.abc import Iterator
from types import FrameType

import uvicorn
from fastapi import FastAPI

from tfrecords.errors import UserError


def bind(host: str, port: int) -> socket.socket:
    """Take a port, for `serve`; nobody is answered before.

    Args:
        host: Name or address.
        port: 0 for any that is free.

    Raises:
        UserError: It is taken, not allowed, or the host is none of this machine.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        taken = socket.socket(family, socket.SOCK_STREAM)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
        # Two sockets may bind one port that none listens at.
        taken.listen(0)
    except (OSError, OverflowError) as error:
        raise UserError(
            f"Expected a free port for --host {host} --port {port}: "
            f"{getattr(error, 'strerror', None) or error}. Take another, or end what "
            "uses it."
        ) from None
    return taken


def serve(app: FastAPI, taken: socket.socket, *, grace: float) -> None:
    """Answer until SIGTERM or Ctrl-C, then finish what was accepted.

    Args:
        app: Of `create_app`.
        taken: Of `bind`.
        grace: Seconds that what was accepted has; a second Ctrl-C ends at once.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        http="h11",
        timeout_graceful_shutdown=grace,  # type: ignore[arg-type]
    )
    _Server(config).run(sockets=[taken])


class _Server(uvicorn.Server):
    """uvicorn's, which does not end by the signal that asked it to."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take both signals, and give them back to whoever had them."""
        former = {
            each: signal.signal(each, self.handle_exit)
            for each in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            yield
        finally:
            for each, handler in former.items():
                signal.signal(each, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end."""
        self.config.app.state.service.draining = True  # type: ignore[union-attr]
        super().handle_exit(sig, frame)
