"""A line for each request, and its part in the figures."""

import asyncio
import json
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keras_alexnet.serving.metrics import Metrics
from keras_alexnet.serving.options import LogFormat
from tfrecords.plain_text import say

NO_ROUTE = "none"  # of what no route answers
GONE = 499  # in log and figures, of what was given up before its answer; nginx's


class AccessLog:
    """Counts and writes down each request when it is done.

    Args:
        app: What answers.
        metrics: Told of each.
        log_format: text or json.
    """

    def __init__(
        self, app: ASGIApp, *, metrics: Metrics, log_format: LogFormat
    ) -> None:
        self.app = app
        self._metrics = metrics
        self._format = log_format

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        start, said = time.monotonic(), {"status": 500, "bytes": 0}

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                said["status"] = message["status"]
            else:
                said["bytes"] += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, note)
        except asyncio.CancelledError:
            said["status"] = GONE  # by whoever waited, or at the end of the server
            raise
        finally:
            self._write(scope, said, time.monotonic() - start)

    def _write(self, scope: Scope, said: dict[str, int], seconds: float) -> None:
        route = getattr(scope.get("route"), "path", NO_ROUTE)
        self._metrics.requests.labels(route, said["status"]).inc()
        self._metrics.request_seconds.labels(route).observe(seconds)
        facts = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "client": (scope.get("client") or ("",))[0],
            "method": scope["method"],
            "path": scope["path"],
            **said,
            "seconds": round(seconds, 6),
        }
        with suppress(OSError):  # whoever read the log has gone
            say(json.dumps(facts) if self._format == "json" else _line(**facts))


def _line(
    *,
    time: str,
    client: str,
    method: str,
    path: str,
    status: int,
    bytes: int,
    seconds: float,
) -> Any:
    return f"{time} {client} {method} {path} {status} {bytes} bytes {seconds:.4f} s"
