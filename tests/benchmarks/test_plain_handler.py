import httpx
import pytest

from keras_alexnet import load
from scripts.benchmarks.plain_handler import handler
from tests import small


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.mark.anyio
async def test_it_answers_as_predict_does(run):
    network, data = load(run), small.encode(small.picture(1, 33))
    transport = httpx.ASGITransport(handler(network))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        headers = {"Content-Type": "image/jpeg"}
        response = await client.post("/predict", content=data, headers=headers)
    (expected,) = network.predict([data])
    assert response.json() == {"predictions": [expected.as_dict()]}
