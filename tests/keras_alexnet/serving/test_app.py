"""What is asked wrongly, whoever asks: a status, and one line that says why."""

import asyncio
import threading

import numpy as np
import pytest
from fastapi import APIRouter, Request

from keras_alexnet.serving.app import create_app
from keras_alexnet.serving.options import ServingOptions
from tests import small
from tests.keras_alexnet.serving.client import (
    GOOD,
    JPEG,
    OTHERS,
    answering,
    base64_of,
    error,
    form,
)
from tests.keras_alexnet.serving.test_pictures import huge_png
from tests.tools.bad_requests import gif_bomb

pytestmark = pytest.mark.anyio
PREDICT = "/v1/models/alexnet:predict"
INFER = "/v2/models/alexnet/infer"


BAD_PICTURES = {
    "truncated": (GOOD[:-400], "truncated"),
    "HTML": (b"<!DOCTYPE html><html><body>404</body></html>", "a web page"),
    "14000 x 20000": (huge_png(14_000, 20_000), "too_large"),
    "GIF bomb": (gif_bomb(), "too_large"),
    "zero length": (b"", "empty"),
}


@pytest.fixture(scope="module")
def expected(network):
    return network.classifier()([GOOD])[0]


@pytest.mark.parametrize("name", BAD_PICTURES)
async def test_a_bad_picture_is_refused_and_its_neighbours_are_not(
    network, expected, name
):
    data, reason = BAD_PICTURES[name]
    as_json = {"instances": [{"b64": base64_of(data)}]}
    pictures = {"name": "image_bytes", "datatype": "BYTES", "shape": [1]}
    as_v2 = {"inputs": [{**pictures, "data": [base64_of(data)]}]}
    good = {"instances": [{"b64": base64_of(GOOD)}]}
    # All at once, so that they could share a batch.
    async with answering(network, max_wait_ms=20) as client:
        *refused, neighbour, other = await asyncio.gather(
            client.post("/predict", content=data, headers=JPEG),
            client.post("/predict", files=form(data)),
            client.post(PREDICT, json=as_json),
            client.post(INFER, json=as_v2),
            client.post(PREDICT, json=good),
            client.post("/predict", files=form(GOOD, data)),
        )
    for response in refused:
        assert response.status_code == 422, response.text
        assert reason in await error(response)
    (found,) = neighbour.json()["predictions"]
    bound = small.probability_bound()
    np.testing.assert_allclose(found["probabilities"], expected, rtol=0, atol=bound)
    first, second = other.json()["predictions"]
    assert first["error"] is None and reason in second["error"]


async def test_a_body_that_is_too_long_is_refused_whatever_it_is(network):
    async with answering(network, max_bytes=10_000) as client:
        for path in ("/predict", PREDICT, INFER):
            kind = "image/jpeg" if path == "/predict" else "application/json"
            sent = []

            async def parts(sent=sent):
                for _ in range(50_000):
                    sent.append(1000)
                    yield bytes(1000)

            headers = {"Content-Type": kind}
            response = await client.post(path, content=parts(), headers=headers)
            assert response.status_code == 413, response.text
            assert "at most 10,000 bytes" in await error(response)
            assert client.service.limit.held == 0


async def test_other_requests_are_refused_with_their_status(network):
    async with answering(network) as client:
        for status, response in [
            (400, await client.post(PREDICT, content=b"{")),
            (400, await client.post(INFER, content=b"[]")),
            (404, await client.post("/v1/models/other:predict", json={})),
            (404, await client.post("/v2/models/other/infer", json={})),
            (404, await client.get("/nothing")),
            (404, await client.get("/docs")),
            (404, await client.get("/openapi.json")),
            (404, await client.get("/v2/")),
            (405, await client.get("/predict")),
            (405, await client.delete("/v2")),
            (415, await client.post("/predict", json={"file": "/etc/passwd"})),
            (415, await client.post("/predict", content=GOOD)),
            (422, await client.post("/predict", content=b"/etc/passwd", headers=JPEG)),
        ]:
            assert response.status_code == status, response.text
            assert await error(response)


async def test_a_full_queue_refuses_at_once_and_answers_what_it_took(network):
    hold = threading.Event()
    compute = network.probabilities

    class Held:
        def __getattr__(self, name):
            return getattr(network, name)

        def probabilities(self, images):
            if hold.armed:
                hold.wait(60)
            return compute(images)

    hold.armed = False
    app = create_app(Held(), ServingOptions(max_batch=1, queue=2, max_wait_ms=0))
    async with answering(None, app=app) as client:
        hold.armed = True
        asked = [
            asyncio.create_task(client.post("/predict", content=data, headers=JPEG))
            for data in (GOOD, *OTHERS, *OTHERS)
        ]
        refused = []
        while len(refused) < 4:  # one computes, two wait, or all three wait
            done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
            refused += done
            asked = [each for each in asked if each not in done]
        for each in refused:
            response = each.result()
            assert response.status_code == 503 and await error(response)
            assert response.headers["retry-after"] == "1"
        many = await client.post("/predict", files=form(*[GOOD] * 3))
        assert many.status_code == 413
        hold.set()
        for each in asked:
            assert (await each).status_code == 200


async def test_further_routes_share_limits_and_model(network):
    def page(service):
        router = APIRouter()

        @router.post("/size")
        async def size(request: Request):
            async with service.uploads(request) as uploads:
                found = [service.check_picture(each.data) for each in uploads]
            with service.model.used() as model:
                name = await service.run_apart(model.network.labels.__getitem__, 0)
            return {"sizes": found, "first": name}

        return router

    async with answering(network, routers=(page,), max_bytes=9000) as client:
        response = await client.post("/size", files=form(GOOD))
        assert response.json() == {"sizes": [[90, 80]], "first": network.labels[0]}
        response = await client.post("/size", files=form(GOOD, b"x"))
        assert response.status_code == 422 and await error(response)
        response = await client.post("/size", files=form(bytes(9000)))
        assert response.status_code == 413
        response = await client.post("/size", json={})
        assert response.status_code == 415
