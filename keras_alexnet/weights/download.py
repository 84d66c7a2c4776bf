"""A file of weights fetched once from an https address, and proved by its SHA-256."""

import fcntl
import hashlib
import os
import re
import ssl
from contextlib import suppress
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path
from typing import IO, Any, BinaryIO
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    Request,
    build_opener,
)

from keras_alexnet.version import VERSION
from keras_alexnet.weights.foreign import MOST_BYTES
from tfrecords.errors import UserError
from tfrecords.files import disk_error, sync
from tfrecords.progress import Progress

TIMEOUT = 30.0  # seconds without an answer or a byte
_BLOCK = 2**18  # bytes at a time
_WEB = re.compile("https?://", re.IGNORECASE)
_SHA256 = re.compile("[0-9a-f]{64}")
_RANGE = re.compile(r"bytes (\d{1,15})-\d{1,15}/(\d{1,15}|\*)")
_PARTIAL, _PAST_THE_END = 206, 416


def is_web_address(path: Path | str) -> bool:
    """Tell whether something is an address of a web server and no path."""
    return _WEB.match(str(path)) is not None


def fetch(address: str, sha256: str | None, most: int = MOST_BYTES) -> Path:
    """Return a file of the cache that an address leads to; it is fetched once.

    What came before a connection broke is kept, and the next call asks for the rest.

    Args:
        address: `https://`; what it redirects to has to be so too.
        sha256: Of the file, in hexadecimal: nothing else proves what a server sends.
        most: Bytes that the file may have.

    Returns:
        A file in `$XDG_CACHE_HOME/keras-alexnet`, or in `~/.cache/keras-alexnet`.

    Raises:
        UserError: No hash, another address, no answer in `TIMEOUT`, a broken
            connection, a file that is too large or is another one, a full disk, or
            another process that fetches the same.
    """
    sha256 = _check(address, sha256)
    whole = cache_folder() / sha256
    part = whole.with_name(f"{sha256}.part")
    try:
        whole.parent.mkdir(parents=True, exist_ok=True)
        with open(part, "a+b") as file:
            _lock(file, part)
            if _hash(whole) == sha256:
                part.unlink()
                return whole
            _receive(address, file, part, most)
            file.flush()
            found = _hash(part)
            if found != sha256:
                part.unlink()
                raise UserError(
                    f"Expected a file with --sha256 {sha256} from {address}, got one "
                    f"with {found}. Look whether it is the address that you meant."
                )
            sync(part)
            os.replace(part, whole)
    except OSError as error:
        raise disk_error(error, part) from None
    return whole


def cache_folder() -> Path:
    """Return the folder of what was fetched; it need not be there."""
    chosen = Path(os.environ.get("XDG_CACHE_HOME", ""))
    base = chosen if chosen.is_absolute() else Path.home() / ".cache"
    return base / "keras-alexnet"


class _HttpsRedirects(HTTPRedirectHandler):
    def redirect_request(
        self,
        req: Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> Request | None:
        if not newurl.lower().startswith("https://"):
            fp.close()
            raise UserError(
                f"Expected {req.full_url} to lead to an https:// address, found that "
                f"it leads to {newurl}. Take another address."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check(address: str, sha256: str | None) -> str:
    try:
        parts = urlsplit(address)
        known = parts.scheme == "https" and parts.hostname and parts.username is None
    except ValueError:
        known = False
    if not known:
        raise UserError(
            f"Expected a path, or an https:// address without a password in it, got "
            f"{address}. Get the file by yourself, and give its path."
        )
    proof = (sha256 or "").strip().lower()
    if not _SHA256.fullmatch(proof):
        raise UserError(
            f"Expected --sha256 with 64 hexadecimal digits for {address}, got "
            f"{sha256}. Take it from whoever made the file: nothing else proves what "
            "a server sends."
        )
    return proof


def _lock(file: BinaryIO, part: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UserError(
            f"Expected nobody else to fetch {part.stem}, found that another process "
            f"holds {part}. Wait for it."
        ) from None


def _hash(path: Path) -> str:
    with suppress(FileNotFoundError), open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
    return ""


def _opener() -> OpenerDirector:
    context = ssl.create_default_context()
    opener = build_opener(_HttpsRedirects, HTTPSHandler(context=context))
    opener.addheaders = [("User-Agent", f"keras-alexnet/{VERSION}")]
    return opener


def _receive(address: str, file: BinaryIO, part: Path, most: int) -> None:
    """Append what is missing of a file, or all of it where a server has no ranges."""
    before = file.seek(0, os.SEEK_END)
    request = Request(address, headers={"Accept-Encoding": "identity"})
    if before:
        request.add_header("Range", f"bytes={before}-")
    try:
        with _opener().open(request, timeout=TIMEOUT) as response:
            if before and not _goes_on(response, before):
                file.truncate(before := 0)
            total = _total(response, before)
            if total is not None and total > most:
                raise _too_large(address, f"{total:,}", most, part)
            _copy(response, file, before, total, part, most)
    except HTTPError as error:
        error.close()
        if error.code == _PAST_THE_END and before:
            return  # whole, or of another file: its hash tells
        raise _failed(address, f"the answer {error.code} {error.reason}") from None
    except _BrokenError as error:
        raise _failed(address, str(error)) from None
    except (HTTPException, UnicodeError, OSError) as error:
        if isinstance(error, OSError) and error.filename == str(part):
            raise
        reason = getattr(error, "reason", None) or error
        raise _failed(address, str(reason) or type(error).__name__) from None


class _BrokenError(Exception):
    """A connection ended before the file did."""


def _goes_on(response: HTTPResponse, before: int) -> bool:
    """Tell whether an answer begins where the part ends."""
    said = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
    return response.status == _PARTIAL and said is not None and int(said[1]) == before


def _total(response: HTTPResponse, before: int) -> int | None:
    length = response.headers.get("Content-Length", "")
    return before + int(length) if re.fullmatch(r"\d{1,15}", length) else None


def _copy(
    response: HTTPResponse,
    file: BinaryIO,
    done: int,
    total: int | None,
    part: Path,
    most: int,
) -> None:
    shown: dict[str, Any] = {"enabled": total is not None, "unit": "bytes"}
    with Progress("download", total or 0, **shown) as progress:
        progress.resume(done)
        while block := response.read(_BLOCK):
            done += len(block)
            if done > most:
                raise _too_large(response.url, f"more than {most:,}", most, part)
            try:
                file.write(block)
            except OSError as error:
                raise OSError(error.errno, error.strerror, str(part)) from None
            progress.update(done)
    if total is not None and done < total:
        raise _BrokenError(f"{done:,} of {total:,} bytes, then the end")


def _too_large(address: str, found: str, most: int, part: Path) -> UserError:
    part.unlink(missing_ok=True)
    return UserError(
        f"Expected a file of at most {most:,} bytes from {address}, found {found}: no "
        "AlexNet is as large. Give the address of the weights alone."
    )


def _failed(address: str, found: str) -> UserError:
    return UserError(
        f"Expected a file from {address}, got {found}. Run the same command again: "
        "what has come is kept."
    )
