import asyncio
import signal
import sys

import pytest

from scripts.benchmarks.server_process import Client, ask, post, started

# Answers with the length of the body, but for "no", which it does not answer.
STAND_IN = """
import asyncio
async def answer(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\\r\\n\\r\\n")
            length = int(head.lower().split(b"content-length:")[1].split()[0])
            body = await reader.readexactly(length)
            if body == b"no":
                return writer.close()
            text = b'{"n": %d}' % length
            head = b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n"
            writer.write(head % len(text) + text)
    except asyncio.IncompleteReadError:
        writer.close()
async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(f"at http://127.0.0.1:{server.sockets[0].getsockname()[1]} now", flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


def test_each_request_is_answered_once(tmp_path):
    with started([sys.executable, "-c", STAND_IN], tmp_path / "log") as server:

        async def request(number, client):
            if number == 3:
                return await client.send(post("/", b"no"))
            if number == 4:
                return await client.send(post("/", b"xx"), cut=True)
            whole = post("/", bytes(number))
            return await client.send(whole[:9], whole[9:], pause=0)

        load = ask(server.port, 40, 4, request)
        assert {*load.answers} == {*range(40)} and load.seconds > 0
        for number, answer in load.answers.items():
            if number in (3, 4):
                assert answer.status == 0 and answer.body == b""
            else:
                assert answer.status == 200 and answer.json == {"n": number}
                assert 0 < answer.seconds <= load.seconds
        assert server.memory() >= server.memory("VmRSS") > 1e6
        assert server.end(signal.SIGKILL) == -9

        async def nobody():
            return await Client(server.port).send(post("/", b""))

        assert asyncio.run(nobody()).status == 0


def test_a_server_that_does_not_start_is_an_error(tmp_path):
    with pytest.raises(RuntimeError, match="No server: why"):
        with started([sys.executable, "-c", "print('why')"], tmp_path / "log"):
            pass
