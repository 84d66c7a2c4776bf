import asyncio

import pytest
from starlette.requests import ClientDisconnect, Request

from keras_alexnet.serving.limits import BODIES_HELD, BodyLimit, unless_gone
from keras_alexnet.serving.refusal import Refusal

pytestmark = pytest.mark.anyio


class Sender:
    """What sends a request, part by part, and then nothing until it goes."""

    def __init__(self, *parts, length=None, ends=True):
        self.parts, self.ends = list(parts), ends
        self.taken, self.gone = 0, asyncio.Event()
        headers = [] if length is None else [(b"content-length", str(length).encode())]
        self.request = Request({"type": "http", "headers": headers}, self.receive)

    async def receive(self):
        if self.taken < len(self.parts):
            self.taken += 1
            more = self.taken < len(self.parts) or not self.ends
            body = self.parts[self.taken - 1]
            return {"type": "http.request", "body": body, "more_body": more}
        await self.gone.wait()
        return {"type": "http.disconnect"}


async def test_a_body_is_given_whole_and_held_until_it_is_done_with():
    limit = BodyLimit(10, 60)
    async with limit.body(Sender(b"abc", b"", b"defghij").request) as body:
        assert body == b"abcdefghij" and limit.held == 10
    assert limit.held == 0


@pytest.mark.parametrize("length", [None, 3])
async def test_bytes_are_counted_while_they_come_whatever_was_announced(length):
    limit, sender = BodyLimit(10, 60), Sender(*[b"abcd"] * 9, length=length)
    with pytest.raises(Refusal, match="at most 10 bytes") as refused:
        async with limit.body(sender.request):
            pass
    assert refused.value.status == 413 and sender.taken == 3
    assert limit.held == 0


async def test_a_body_that_is_announced_too_long_is_not_read_at_all():
    sender = Sender(b"a", length=11)
    with pytest.raises(Refusal, match="at most 10 bytes"):
        async with BodyLimit(10, 60).body(sender.request):
            pass
    assert sender.taken == 0


async def test_a_slow_sender_is_refused():
    limit = BodyLimit(10, 0.001)
    with pytest.raises(Refusal, match="within 0.001 s, got 3 bytes") as refused:
        async with limit.body(Sender(b"abc", ends=False).request):
            pass
    assert refused.value.status == 408 and limit.held == 0


async def test_what_is_done_with_a_body_may_take_longer():
    async with BodyLimit(10, 0.001).body(Sender(b"abc").request) as body:
        await asyncio.sleep(0.002)
    assert body == b"abc"


async def test_all_bodies_together_have_bounded_room():
    limit = BodyLimit(10, 60)
    limit.held = 10 * BODIES_HELD - 3
    async with limit.body(Sender(b"abc").request):
        with pytest.raises(Refusal, match="Too many requests") as refused:
            async with limit.body(Sender(b"d").request):
                pass
        assert refused.value.status == 503
    assert limit.held == 10 * BODIES_HELD - 3


async def test_a_sender_that_goes_ends_its_body():
    limit, sender = BodyLimit(10, 60), Sender(b"abc", ends=False)
    sender.gone.set()
    with pytest.raises(ClientDisconnect):
        async with limit.body(sender.request):
            pass
    assert limit.held == 0


async def test_work_is_given_up_when_its_sender_goes():
    sender, begun, ended = Sender(), asyncio.Event(), asyncio.Event()

    async def work():
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    asked = asyncio.create_task(unless_gone(sender.request, work()))
    await begun.wait()
    sender.gone.set()
    with pytest.raises(ClientDisconnect):
        await asked
    await asyncio.wait_for(ended.wait(), 60)


async def test_work_that_is_done_gives_what_it_found():
    async def answer():
        return 5

    async def refuse():
        raise Refusal(422, "why")

    sender, before = Sender(), asyncio.all_tasks()
    assert await unless_gone(sender.request, answer()) == 5
    with pytest.raises(Refusal, match="why"):
        await unless_gone(sender.request, refuse())
    assert asyncio.all_tasks() == before  # nobody watches any longer
