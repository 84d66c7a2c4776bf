import pytest
from starlette.requests import Request

from keras_alexnet.serving.refusal import Refusal
from keras_alexnet.serving.uploads import Upload, upload_type, uploads_of

BOUNDARY = b"multipart/form-data; boundary=XX"


def ask(kind, **headers):
    given = [(b"content-type", kind)] if kind else []
    given += [(name.encode(), value) for name, value in headers.items()]
    return Request({"type": "http", "headers": given})


def part(data, name=b'form-data; name="file"; filename="a.jpg"', more=b""):
    return b"--XX\r\nContent-Disposition: " + name + b"\r\n" + more + b"\r\n" + data


def refused(kind, body=b"", **headers):
    with pytest.raises(Refusal) as found:
        uploads_of(ask(kind, **headers), body)
    return found.value


def test_a_body_that_is_a_picture_is_one():
    for kind in (b"image/jpeg", b"image/png", b"application/octet-stream"):
        assert uploads_of(ask(kind), b"abc") == [Upload("", b"abc")]


def test_all_parts_of_the_name_are_pictures_and_no_other_is():
    other = part(b"text", b'form-data; name="comment"')
    body = part(b"a\r\nb") + b"\r\n" + other + b"\r\n" + part(b"") + b"\r\n--XX--\r\n"
    assert uploads_of(ask(BOUNDARY), body) == [
        Upload("a.jpg", b"a\r\nb"),
        Upload("a.jpg", b""),
    ]


def test_a_name_is_a_name_and_opens_nothing():
    name = 'form-data; name="file"; filename="../../etc/pässwd"'.encode()
    (upload,) = uploads_of(ask(BOUNDARY), part(b"x", name) + b"\r\n--XX--\r\n")
    assert upload.name.endswith("pässwd") and upload.data == b"x"


@pytest.mark.parametrize(
    "kind",
    [b"", b"text/plain", b"text/html", b"application/json", b"multipart/mixed"],
)
def test_other_types_are_refused_before_the_body_is_read(kind):
    with pytest.raises(Refusal, match="Expected Content-Type multipart") as found:
        upload_type(ask(kind))
    assert found.value.status == 415


def test_compressed_bodies_are_refused():
    refusal = refused(b"image/jpeg", **{"content-encoding": b"gzip"})
    assert refusal.status == 415 and "gzip" in refusal.reason


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "cut off"),  # before it begins
        (part(b"picture"), "cut off"),
        (b"no form at all", "form of several parts"),
        (part(b"x", b'form-data; name="picture"') + b"\r\n--XX--\r\n", "named file"),
        (b"--XX--\r\n", "form of several parts|named file"),
        (part(b"x", more=b"X-Long: " + b"y" * 5000), "form of several parts: "),
    ],
)
def test_forms_that_cannot_be_read_are_refused(body, reason):
    refusal = refused(BOUNDARY, body)
    assert refusal.status == 400
    assert any(each in refusal.reason for each in reason.split("|"))


def test_a_form_of_too_many_parts_is_refused():
    body = b"".join(part(b"x") + b"\r\n" for _ in range(1001)) + b"--XX--\r\n"
    assert refused(BOUNDARY, body).status == 413


def test_a_form_without_a_boundary_is_refused():
    assert refused(b"multipart/form-data", part(b"x")).status == 400
