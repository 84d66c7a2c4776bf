"""Who may ask: by the name of the host, the page that asks, and a key."""

import hmac
import ipaddress
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from keras_alexnet.serving.refusal import Refusal
from tfrecords.errors import UserError

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
# Without a key: whether it lives, for whoever starts it again, and the bare page.
OPEN_PATHS = ("/", "/v2/health/live", "/v2/health/ready")
LEAST_KEY = 16  # characters
_READING = ("GET", "HEAD", "OPTIONS")


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches an address or name."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def read_key(path: Path) -> str:
    """Return the key in a file: its one line.

    Raises:
        UserError: It cannot be read, or holds something else.
    """
    try:
        lines = path.read_text("ascii").split()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no ASCII text"
        raise UserError(f"Cannot read the key in {path}: {reason}.") from None
    if len(lines) != 1 or len(lines[0]) < LEAST_KEY:
        raise UserError(
            f"Expected one key of at least {LEAST_KEY} characters without a space in "
            f"{path}. Make one with: openssl rand -hex 32 > {path}"
        )
    return lines[0]


class AccessControl:
    """Refuses requests before any route sees them.

    Args:
        app: What answers the others.
        hosts: Names by which this server may be called, without port; empty: any. A
            page of a stranger whose name has been made to mean this machine
            (rebinding) calls it by its own name.
        origins: Of pages that may ask, beside those of this server; * is any.
        key: That every request has to bear, but those for `OPEN_PATHS`; None: none.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Sequence[str] = (),
        origins: Sequence[str] = (),
        key: str | None = None,
    ) -> None:
        self.app = app
        self._hosts = {host.lower() for host in hosts}
        self._origins = {*origins}
        self._key = None if key is None else f"Bearer {key}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            try:
                self._check(scope["method"], scope["path"], Headers(scope=scope))
            except Refusal as refusal:
                response = refused(refusal)
                return await response(scope, receive, send)
        await self.app(scope, receive, send)

    def _check(self, method: str, path: str, headers: Headers) -> None:
        host = headers.get("host", "")
        if self._hosts and _name_of(host) not in self._hosts:
            raise Refusal(
                400,
                f"Expected a Host header of {', '.join(sorted(self._hosts))}, got "
                f"{host!r}. Start the server with --allow-host to be called so.",
            )
        origin = headers.get("origin")
        if origin is not None and method not in _READING:
            self._check_origin(origin, host)
        if self._key is not None and path not in OPEN_PATHS and method != "OPTIONS":
            given = headers.get("authorization", "").encode("latin-1")
            if not hmac.compare_digest(given, self._key):
                refusal = Refusal(401, "Expected the header Authorization: Bearer KEY.")
                refusal.headers["WWW-Authenticate"] = "Bearer"
                raise refusal

    def _check_origin(self, origin: str, host: str) -> None:
        # A foreign page may send forms and plain text without asking first.
        own = urlsplit(origin).netloc.lower() == host.lower() and host
        if not own and not self._origins & {origin, "*"}:
            raise Refusal(
                403,
                f"Expected a request of this server's own page, got one of {origin!r}. "
                "Start the server with --allow-origin to let it ask.",
            )


def refused(refusal: Refusal) -> JSONResponse:
    """Return the answer that says why there is none."""
    document = {"error": refusal.reason}
    return JSONResponse(document, refusal.status, headers=refusal.headers)


def _name_of(host: str) -> str:
    """Return the host of a Host header, without port and brackets."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
