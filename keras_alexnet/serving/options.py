"""What a server can be told; no TensorFlow and no FastAPI, which take seconds."""

from dataclasses import dataclass
from typing import Literal

from tfrecords.errors import UserError
from tfrecords.ranges import check_count, check_number

LogFormat = Literal["text", "json"]


@dataclass(frozen=True, kw_only=True)
class ServingOptions:
    """How a network is served, whatever the network; see `check`."""

    name: str = "alexnet"
    """Of the model in the addresses of both protocols."""
    views: Literal[1, 10] | None = None
    """Views of each picture; None: 1, or those that are built into an export."""
    top: int = 5
    """Classes to name."""
    max_batch: int = 16
    """Pictures computed at once, at most."""
    max_wait_ms: float = 5.0
    """Milliseconds that a picture waits, at most, for others to be computed with."""
    queue: int = 64
    """Pictures that are decoded or wait, at most; more are refused with status 503."""
    queue_seconds: float = 30.0
    """Seconds after which a picture that still waits is refused with status 503."""
    max_bytes: int = 10_000_000
    """Bytes of a request's body, at most; more are refused with status 413."""
    max_pixels: int = 50_000_000
    """Pixels of a picture, by its header, at most; more are refused with status 422."""
    sender_seconds: float = 30.0
    """Seconds in which a request has to arrive; a slower one is refused with 408."""
    allow_host: tuple[str, ...] = ()
    """Names beside localhost by which this machine is called, without port."""
    allow_origin: tuple[str, ...] = ()
    """Origins of pages, https://example.org, that may read answers; * is any."""
    log_format: LogFormat = "text"
    """Of the access log on standard output, a line a request."""
    reload_seconds: float = 2.0
    """Seconds between two looks for a newer version of a SavedModel."""

    def check(self) -> None:
        """Check all of them together.

        Raises:
            UserError: A number is out of its range, the name cannot stand in an
                address, or an origin is none.
        """
        for name in ("top", "max_batch", "queue", "max_bytes", "max_pixels"):
            check_count(name, getattr(self, name))
        check_number("max_wait_ms", self.max_wait_ms, least=0, most=60_000)
        for name in ("queue_seconds", "sender_seconds", "reload_seconds"):
            check_number(name, getattr(self, name), above=0, most=3600)
        if self.max_batch > self.queue:
            raise UserError(
                f"Expected a queue of at least the {self.max_batch} pictures of a "
                f"batch, got {self.queue}. Raise --queue or lower --max-batch."
            )
        if not self.name or not self.name.replace("_", "").replace("-", "").isalnum():
            raise UserError(
                "Expected letters, digits, - and _ for the name of the model, got "
                f"{self.name!r}."
            )
        if self.name.endswith("-images"):
            raise UserError(
                f"Expected another name than {self.name!r}: NAME-images is the network "
                "that takes images in place of pictures."
            )
        for origin in self.allow_origin:
            if origin != "*" and "://" not in origin:
                raise UserError(
                    "Expected an origin such as https://example.org or * for "
                    f"--allow-origin, got {origin!r}."
                )
