import asyncio
import threading

import pytest
from starlette.requests import ClientDisconnect, Request

from keras_alexnet import load
from keras_alexnet.serving.insight import Insight, ModelInsight
from keras_alexnet.serving.refusal import Refusal
from tests.keras_alexnet.serving.client import GOOD, answering

pytestmark = pytest.mark.anyio


def asked(gone=None):
    """A request whose body is read, and whose sender goes at an event."""

    async def receive():
        await (gone or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    return Request({"type": "http"}, receive)


async def test_no_pass_is_made_for_whoever_has_gone(network):
    begun, gone, ended = asyncio.Event(), asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def explain(insight):
        loop.call_soon_threadsafe(begun.set)
        try:
            insight.left.wait(60)
            insight.explainer.explain(insight.image(GOOD))
        finally:
            ended.set()

    async with answering(network) as client:
        insight = Insight(client.service)
        looking = asyncio.create_task(insight.look(asked(gone), GOOD, explain))
        await begun.wait()
        gone.set()
        with pytest.raises(ClientDisconnect):
            await looking
        assert await asyncio.to_thread(ended.wait, 60)
        # The next one is answered.
        crop = await insight.look(
            asked(), GOOD, lambda of: of.explainer.crop(of.image(GOOD))
        )
    assert (crop == network.explain(GOOD, "grad_cam").crop).all()


async def test_what_is_refused_is_said_and_what_is_no_picture_not_tried(network):
    async with answering(network) as client:
        insight = Insight(client.service)
        with pytest.raises(Refusal, match="class from 0 to 2, got 7") as refused:
            await insight.look(
                asked(),
                GOOD,
                lambda of: of.explainer.explain(of.image(GOOD), class_index=7),
            )
        assert refused.value.status == 422
        with pytest.raises(Refusal, match="unknown_format"):
            await insight.look(asked(), b"nothing", lambda of: 1 / 0)
        assert await insight.look(asked(), None, lambda of: 7) == 7


async def test_another_version_is_looked_into_anew(network, exported):
    async with answering(network) as client:
        insight = Insight(client.service)
        first = await insight.look(asked(), None, lambda of: of)
        assert await insight.look(asked(), None, lambda of: of) is first
        assert first.has_gradients and first.first_layer.towers == 2
        other = client.service._served(load(exported), "2")
        client.service._versions.current = other
        second = await insight.look(asked(), None, lambda of: of)
        assert isinstance(second, ModelInsight) and second is not first
        assert not second.has_gradients
        await client.service._versions.current.start()
