"""A request that gets no answer, and what it gets in its place."""

import re

from tfrecords.plain_text import printable

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_MOST_CHARACTERS = 500


class Refusal(Exception):
    """A request, or a picture of it, that is refused.

    Args:
        status: HTTP status.
        reason: Why, in one line; addresses of objects in it are left out.
        retry: Whether the same request may do well in a second.
    """

    def __init__(self, status: int, reason: object, *, retry: bool = False) -> None:
        text = printable(_ADDRESS.sub("", str(reason)))[:_MOST_CHARACTERS]
        super().__init__(text)
        self.status = status
        self.reason = text
        self.headers = {"Retry-After": "1"} if retry else {}


def busy(reason: str) -> Refusal:
    """Refuse for the moment."""
    return Refusal(503, reason, retry=True)
