import asyncio
import signal
import socket

import pytest

from keras_alexnet.serving.server import bind, refusing_when_cancelled
from tests.keras_alexnet.serving.live import listening
from tfrecords.errors import UserError


def test_a_port_is_taken_once():
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"--port {port}: Address already in use"):
            bind("127.0.0.1", port)
    with bind("127.0.0.1", port) as again:
        assert again.proto == socket.IPPROTO_TCP  # or asyncio delays each answer
        assert again.getsockname()[1] == port


def test_a_host_that_is_none_of_this_machine_is_an_error():
    for host in ("192.0.2.1", "no.such.host.invalid"):
        with pytest.raises(UserError, match=f"--host {host}"):
            bind(host, 0)


def test_signals_are_given_back(network):
    former = signal.getsignal(signal.SIGTERM)
    with listening(network) as port:
        socket.create_connection(("127.0.0.1", port)).close()
    assert signal.getsignal(signal.SIGTERM) is former


@pytest.mark.anyio
async def test_what_is_given_up_is_answered_so_unless_its_answer_has_begun():
    begun = asyncio.Event()

    async def app(scope, receive, send):
        if scope["path"] == "/begun":
            await send({"type": "http.response.start", "status": 200})
        begun.set()
        await asyncio.Event().wait()

    for path, status in (("/", 503), ("/begun", 200)):
        sent = []

        async def send(message, sent=sent):
            sent.append(message)

        scope = {"type": "http", "path": path}
        answer = refusing_when_cancelled(app)
        begun.clear()
        task = asyncio.create_task(answer(scope, None, send))
        await begun.wait()
        task.cancel()
        await task
        assert [each.get("status") for each in sent if "status" in each] == [status]
