import json

import pytest

from tests.keras_alexnet.serving.client import GOOD
from tests.keras_alexnet.serving.live import listening, talk

POST = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
SHORT = 0.2  # seconds that a sender has


def parse(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


@pytest.fixture(scope="module")
def port(network):
    """Of a server that gives senders little time."""
    with listening(network, sender_seconds=SHORT, max_bytes=100_000) as port:
        yield port


def test_a_connection_that_sends_no_headers_is_refused(port):
    for parts in ((), (b"POST",), (POST,)):
        status, said = parse(talk(port, *parts))
        assert status == 408 and "headers" in said["error"]


def test_a_body_that_does_not_come_is_refused(port):
    answer = talk(port, POST + b"Content-Length: 50\r\n\r\n", b"abc")
    status, said = parse(answer)
    assert status == 408 and "got 3 bytes" in said["error"]
    # The rest may come later: it is thrown away, and the sender knows that it is.
    assert b"connection: close" in answer.lower()


def test_who_sends_too_much_gets_the_answer_all_the_same(port):
    chunk = b"10000\r\n" + bytes(65536) + b"\r\n"
    chunked = POST + b"Transfer-Encoding: chunked\r\n\r\n"
    announced = POST + b"Content-Length: 6553600\r\n\r\n"
    for parts in (
        (chunked, *[chunk] * 100, b"0\r\n\r\n"),
        (announced, *[bytes(65536)] * 100),
    ):
        answer = talk(port, *parts)
        status, said = parse(answer)
        assert status == 413 and "at most 100,000 bytes" in said["error"]
        assert b"connection: close" in answer.lower()


def test_who_never_ends_is_not_listened_to_for_ever(port):
    # The rest of a refused body is thrown away, for as long as a sender has.
    status, _ = parse(talk(port, POST + b"Content-Length: 6553600\r\n\r\n", b"abc"))
    assert status == 413


def test_what_is_no_http_is_refused(port):
    for wrong in (b"\x16\x03\x01\x02\x00", b"GET /\r\n\r\n", b"x" * 99_999):
        status, said = parse(talk(port, wrong))
        assert status == 400 and said["error"]


def test_a_connection_that_is_cut_harms_nobody(port):
    length = str(len(GOOD)).encode()
    whole = POST + b"Connection: close\r\nContent-Length: " + length + b"\r\n\r\n"
    cut = talk(port, whole + GOOD[:100], close=True)
    assert not cut or parse(cut)[0] == 408
    status, said = parse(talk(port, whole + GOOD))
    assert status == 200 and said["predictions"][0]["error"] is None


def test_several_requests_share_a_connection(port):
    length = str(len(GOOD)).encode()
    one = POST + b"Content-Length: " + length + b"\r\n\r\n" + GOOD
    last = one.replace(b"Host", b"Connection: close\r\nHost", 1)
    answer = talk(port, one + one + last)
    assert answer.count(b"HTTP/1.1 200 OK") == 3
