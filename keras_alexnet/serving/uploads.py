"""The pictures of a request, sent as its body or in the parts of a form."""

from dataclasses import dataclass, field
from typing import Any

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from keras_alexnet.serving.json_body import check_encoding
from keras_alexnet.serving.limits import Unread
from keras_alexnet.serving.refusal import Refusal

FIELD = "file"  # of a form
FORM = b"multipart/form-data"
_MOST_PARTS = 1000


@dataclass(frozen=True)
class Upload:
    """A picture as it was sent.

    Attributes:
        name: Of its file, as the sender says; it opens none here.
        data: Its bytes.
    """

    name: str
    data: bytes


def upload_type(request: Request) -> tuple[bytes, dict[bytes, bytes]]:
    """Return the type of the body of a request, and its parameters.

    Raises:
        Refusal: Status 415; it is none of multipart/form-data, image/... and
            application/octet-stream.
    """
    kind, parameters = parse_options_header(request.headers.get("content-type", ""))
    if kind not in (FORM, b"application/octet-stream"):
        if not kind.startswith(b"image/"):
            raise Unread(
                415,
                "Expected Content-Type multipart/form-data (curl -F file=@cat.jpg) or "
                f"a picture's, image/jpeg, got {kind.decode('latin-1') or 'none'}.",
            )
    check_encoding(request)
    return kind, parameters


def uploads_of(request: Request, body: bytes) -> list[Upload]:
    """Return the pictures of a request.

    Args:
        request: See `upload_type`; a form has a part named `file` for each picture.
        body: All of it.

    Raises:
        Refusal: Status 415, another type; 400, a form that cannot be read or has no
            part of that name.
    """
    kind, parameters = upload_type(request)
    if kind == FORM:
        return _of_form(body, parameters.get(b"boundary", b""))
    return [Upload("", body)]


def _of_form(body: bytes, boundary: bytes) -> list[Upload]:
    form = _Form()
    try:
        parser = MultipartParser(boundary, form.callbacks())
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise Refusal(400, f"Expected a form of several parts: {error}.") from None
    if not form.whole:
        raise Refusal(400, "Expected a form of several parts, got one cut off.")
    if not form.uploads:
        raise Refusal(
            400,
            f"Expected a part named {FIELD} with a picture in the form, got none. Send "
            "it with: curl -F file=@cat.jpg",
        )
    return form.uploads


@dataclass
class _Form:
    """Takes what the parser finds, which bounds the headers of parts itself."""

    uploads: list[Upload] = field(default_factory=list)
    whole: bool = False
    _parts: int = 0
    _name: bytearray = field(default_factory=bytearray)
    _value: bytearray = field(default_factory=bytearray)
    _headers: dict[bytes, bytes] = field(default_factory=dict)
    _data: bytearray = field(default_factory=bytearray)

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, *at: self._name.extend(data[slice(*at)]),
            "on_header_value": lambda data, *at: self._value.extend(data[slice(*at)]),
            "on_header_end": self._end_header,
            "on_part_data": lambda data, *at: self._data.extend(data[slice(*at)]),
            "on_part_end": self._end,
            "on_end": lambda: setattr(self, "whole", True),
        }

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise Refusal(413, f"Expected at most {_MOST_PARTS:,} parts in a form.")
        self._headers, self._data = {}, bytearray()

    def _end_header(self) -> None:
        self._headers[bytes(self._name).lower()] = bytes(self._value)
        self._name, self._value = bytearray(), bytearray()

    def _end(self) -> None:
        told = self._headers.get(b"content-disposition", b"")
        _, options = parse_options_header(told)
        if options.get(b"name") == FIELD.encode():
            name = options.get(b"filename", b"").decode("utf-8", "replace")
            self.uploads.append(Upload(name, bytes(self._data)))
