"""The bytes of a request: counted, timed and held within bounds while they arrive."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect

from keras_alexnet.serving.refusal import Refusal, busy

T = TypeVar("T")
BODIES_HELD = 16  # of the largest size; all that arrive or are decoded share this room


class Unread(Refusal):
    """A refusal while the sender still sends: the rest is thrown away unread.

    Nothing is answered on that connection any more, and the answer says so.
    """

    def __init__(self, status: int, reason: object) -> None:
        super().__init__(status, reason)
        self.headers = {"Connection": "close"}


class BodyLimit:
    """Reads bodies, no longer and no slower than it may be.

    Args:
        most_bytes: Of one body.
        seconds: In which one has to arrive.

    Attributes:
        held: Bytes of all bodies that are being worked on.
    """

    def __init__(self, most_bytes: int, seconds: float) -> None:
        self.most_bytes = most_bytes
        self.seconds = seconds
        self.held = 0

    @asynccontextmanager
    async def body(self, request: Request) -> AsyncIterator[bytes]:
        """Give the whole body, and count it as held until the block ends.

        Raises:
            Refusal: Status 413, it is too long; 408, too slow; 503, too many arrive.
            ClientDisconnect: The sender has gone.
        """
        content = bytearray()
        try:
            async with asyncio.timeout(self.seconds):
                self._check_announced(request)
                async for part in request.stream():
                    content += part
                    self.held += len(part)
                    self._check(len(content))
            yield bytes(content)
        except TimeoutError:
            raise Unread(
                408,
                f"Expected the whole request within {self.seconds:g} s, got "
                f"{len(content):,} bytes of its body.",
            ) from None
        finally:
            self.held -= len(content)

    def _check_announced(self, request: Request) -> None:
        announced = request.headers.get("content-length", "")
        if announced.isdecimal():
            self._check(int(announced))

    def _check(self, count: int) -> None:
        if count > self.most_bytes:
            raise Unread(
                413,
                f"Expected at most {self.most_bytes:,} bytes in a request, got more. "
                "Send smaller pictures, or fewer at a time.",
            )
        if self.held > BODIES_HELD * self.most_bytes:
            raise busy("Too many requests arrive at once. Try again in a second.")


async def unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Return what work gives, and give it up where the sender goes before.

    Args:
        request: Whose body has been read.
        work: What it asks for.

    Raises:
        ClientDisconnect: The sender has gone.
    """
    working = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        for task in (working, watching):
            task.cancel()
        with suppress(asyncio.CancelledError):
            await watching


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
