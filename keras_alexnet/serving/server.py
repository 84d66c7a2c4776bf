"""The process that answers: its socket, its signals and its end."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keras_alexnet.serving.access_control import refused
from keras_alexnet.serving.connections import timed_connections
from keras_alexnet.serving.refusal import busy
from keras_alexnet.serving.service import Service
from tfrecords.errors import UserError


def bind(host: str, port: int) -> socket.socket:
    """Take a port, for `serve`; nobody is answered before.

    Args:
        host: Name or address.
        port: 0 for any that is free.

    Raises:
        UserError: It is taken, not allowed, or the host is none of this machine.
    """
    with contextlib.ExitStack() as closing:
        try:
            *kind, _, address = socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            # With its protocol, TCP: without, asyncio leaves Nagle's algorithm on, and
            # the body of each answer waits 40 ms for the client to confirm its head.
            taken = closing.enter_context(socket.socket(*kind))
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(address)
            # Two sockets may bind one port that none listens at.
            taken.listen(0)
        except (OSError, OverflowError) as error:
            raise UserError(
                f"Expected a free port for --host {host} --port {port}: "
                f"{getattr(error, 'strerror', None) or error}. Take another, or end "
                "what uses it."
            ) from None
        closing.pop_all()
        return taken


def serve(
    app: FastAPI,
    taken: socket.socket,
    *,
    grace: float,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Answer until SIGTERM or Ctrl-C, then finish what was accepted.

    Args:
        app: Of `create_app`.
        taken: Of `bind`.
        grace: Seconds that what was accepted has; a second Ctrl-C ends at once.
        ready: Called when it answers.
    """
    service: Service = app.state.service
    config = uvicorn.Config(
        refusing_when_cancelled(app),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        http=timed_connections(service.options.sender_seconds),
        lifespan="on",
        timeout_graceful_shutdown=grace,  # type: ignore[arg-type]
    )
    _Server(config, service, ready).run(sockets=[taken])


def refusing_when_cancelled(app: ASGIApp) -> ASGIApp:
    """Return an application that answers what is given up at the end, with 503."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def note(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await app(scope, receive, note)
        except asyncio.CancelledError:
            if scope["type"] == "http" and not begun:
                await refused(busy("The server ends."))(scope, receive, send)

    return answer


class _Server(uvicorn.Server):
    """uvicorn's, which does not end by the signal that asked it to."""

    def __init__(
        self, config: uvicorn.Config, service: Service, ready: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._service = service
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Warm up and listen."""
        await super().startup(sockets)
        self._ready()

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
        self._service.ready = False
        super().handle_exit(sig, frame)
