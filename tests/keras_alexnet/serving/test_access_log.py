import json

import pytest

from tests.keras_alexnet.serving.client import GOOD, JPEG, answering

pytestmark = pytest.mark.anyio
FIELDS = {"time", "client", "method", "path", "status", "bytes", "seconds"}


async def test_each_request_is_one_line_of_json(network, capsys):
    async with answering(network, log_format="json") as client:
        response = await client.post("/predict", content=GOOD, headers=JPEG)
        await client.get("/nothing?key=secret")
    told, unknown = map(json.loads, capsys.readouterr().out.splitlines())
    assert {*told} == FIELDS
    assert (told["method"], told["path"], told["status"]) == ("POST", "/predict", 200)
    assert told["bytes"] == len(response.content) and told["seconds"] > 0
    assert unknown["status"] == 404 and "secret" not in str(unknown)


async def test_a_line_of_text_cannot_be_forged(network, capsys):
    async with answering(network) as client:
        await client.get("/a%0ab%1b[31m")
    (line,) = capsys.readouterr().out.splitlines()
    assert r" GET /a\nb\x1b[31m 404 " in line


async def test_a_fault_is_counted_and_tells_nothing(network, capsys, monkeypatch):
    async with answering(network) as client:
        secret = "object at 0x7f0000000000 /home/someone"

        async def fail(*_):
            raise RuntimeError(secret)

        monkeypatch.setattr(client.service, "classify", fail)
        response = await client.post("/predict", content=GOOD, headers=JPEG)
        figures = (await client.get("/metrics")).text
    assert response.status_code == 500
    assert response.json() == {"error": "A fault of the server; its log shows where."}
    assert 'requests_total{endpoint="/predict",status="500"} 1.0' in figures
    assert " POST /predict 500 " in capsys.readouterr().out
