import asyncio
import threading

import pytest

from keras_alexnet.serving.refusal import Refusal
from keras_alexnet.serving.service import MOST_APART
from tests.keras_alexnet.serving.client import GOOD, JPEG, answering

pytestmark = pytest.mark.anyio


async def test_long_jobs_run_one_at_a_time_while_pictures_are_answered(network):
    running, most, hold = 0, 0, threading.Event()

    def job(number):
        nonlocal running, most
        running += 1
        most = max(most, running)
        hold.wait(60)
        running -= 1
        return number

    async with answering(network) as client:
        service = client.service
        jobs = [
            asyncio.create_task(service.run_apart(job, n)) for n in range(MOST_APART)
        ]
        await asyncio.sleep(0)
        with pytest.raises(Refusal, match="4 such requests") as refused:
            await service.run_apart(job, 9)
        assert refused.value.status == 503
        response = await client.post("/predict", content=GOOD, headers=JPEG)
        assert response.status_code == 200
        hold.set()
        assert await asyncio.gather(*jobs) == [*range(MOST_APART)] and most == 1
        assert await service.run_apart(job, 9) == 9


async def test_it_is_ready_between_warming_up_and_the_end(network):
    async with answering(network) as client:
        service = client.service
        assert service.ready
    assert not service.ready


async def test_what_was_accepted_is_answered_at_the_end(network):
    async def ask(service):
        with service.model.used() as model:
            return await service.classify(model, [GOOD])

    async with answering(network, max_batch=8, max_wait_ms=60_000) as client:
        # It would wait for a minute, did the end not come.
        asked = asyncio.create_task(ask(client.service))
        while not client.service.model.batcher.taken:
            await asyncio.sleep(0)
    (row,) = await asked
    assert row.shape == (3,)


async def test_a_request_whose_sender_goes_is_not_computed(network):
    async with answering(network, max_batch=8, max_wait_ms=60_000) as client:
        asked = asyncio.create_task(client.post("/predict", content=GOOD, headers=JPEG))
        while not client.service.model.batcher.taken:
            await asyncio.sleep(0)
        asked.cancel()
        while client.service.model.batcher.taken:
            await asyncio.sleep(0)
        assert client.service.limit.held == 0
