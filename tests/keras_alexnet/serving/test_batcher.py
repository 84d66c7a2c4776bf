import asyncio

import numpy as np
import pytest

from keras_alexnet.serving.batcher import Batcher, batch_sizes
from keras_alexnet.serving.refusal import Refusal

pytestmark = pytest.mark.anyio
IMAGE = np.ones((2, 2, 3), np.float32)


class Network:
    """A stand-in that gives each image its sum, when it is let."""

    def __init__(self, free=True):
        self.batches, self.begun, self.free = [], asyncio.Event(), asyncio.Event()
        self.busy = 0
        if free:
            self.free.set()

    async def __call__(self, images):
        self.busy += 1
        assert self.busy == 1, "two batches at a time"
        self.batches.append(images.copy())
        self.begun.set()
        await self.free.wait()
        self.busy -= 1
        return images.sum(axis=(1, 2, 3), keepdims=True)[:, 0, 0]

    @property
    def sizes(self):
        return [len(batch) for batch in self.batches]


def make(network, *, most=4, wait=0.0, queue=8, seconds=600.0, seen=None):
    batcher = Batcher(
        network,
        sizes=batch_sizes(most),
        max_wait=wait,
        queue=queue,
        queue_seconds=seconds,
        observe=(lambda count: None) if seen is None else seen.append,
    )
    batcher.start()
    return batcher


async def ask(batcher, *values):
    with batcher.places(len(values)) as places:
        rows = [places.row(value * IMAGE) for value in values]
        return [float(row[0]) for row in await asyncio.gather(*rows)]


async def turns(count=20):
    """Let all others do what they can."""
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("most", "count", "sizes"),
    [
        (1, None, (1,)),
        (16, None, (1, 2, 4, 8, 16)),
        (20, None, (1, 2, 4, 8, 16, 20)),
        (16, 3, (1, 4, 16)),
        (64, 3, (1, 8, 64)),
        (2, 3, (1, 2)),
        (100, 2, (1, 100)),
    ],
)
def test_sizes_are_powers_and_the_most(most, count, sizes):
    assert batch_sizes(most, count) == sizes


async def test_each_gets_its_own_row_in_whatever_batch_it_was():
    network = Network()
    batcher = make(network)
    found = await asyncio.gather(*(ask(batcher, n, n + 100) for n in range(4)))
    assert found == [[12.0 * n, 12.0 * (n + 100)] for n in range(4)]
    assert network.sizes == [4, 4]
    await batcher.close()


async def test_a_batch_is_filled_up_with_zeros_and_counted_as_it_came():
    seen, network = [], Network()
    batcher = make(network, most=8, seen=seen)
    assert await ask(batcher, 1, 2, 3) == [12, 24, 36]
    assert network.sizes == [4] and seen == [3]
    assert not network.batches[0][3].any()
    await batcher.close()


async def test_what_comes_while_one_computes_goes_together():
    network = Network(free=False)
    batcher = make(network)
    asked = [asyncio.create_task(ask(batcher, 1))]
    await network.begun.wait()
    asked += [asyncio.create_task(ask(batcher, n)) for n in (2, 3)]
    await turns()
    assert network.sizes == [1]
    network.free.set()
    assert await asyncio.gather(*asked) == [[12], [24], [36]]
    assert network.sizes == [1, 2]
    await batcher.close()


async def test_a_lone_picture_waits_for_others_until_the_batch_is_full():
    network = Network()
    batcher = make(network, most=2, wait=1e6)
    first = asyncio.create_task(ask(batcher, 1))
    await turns()
    assert not network.batches
    assert await ask(batcher, 2) == [24] and await first == [12]
    await batcher.close()


async def test_a_lone_picture_waits_no_longer_than_it_may():
    network = Network()
    batcher = make(network, most=2, wait=0.001)
    assert await ask(batcher, 1) == [12]
    await batcher.close()


async def test_places_are_taken_all_or_none_and_given_back():
    network = Network(free=False)
    batcher = make(network, most=1, queue=3)
    asked = [asyncio.create_task(ask(batcher, 1))]
    await network.begun.wait()  # it waits no longer: its place is free
    asked.append(asyncio.create_task(ask(batcher, 2, 3)))
    await turns()
    assert batcher.taken == 2
    with pytest.raises(Refusal, match="All 3 places") as refused:
        await ask(batcher, 4, 5)
    assert refused.value.status == 503
    assert refused.value.headers == {"Retry-After": "1"}
    assert batcher.taken == 2
    with pytest.raises(Refusal, match="at most 3 pictures") as refused:
        await ask(batcher, *range(4))
    assert refused.value.status == 413
    network.free.set()
    assert await asyncio.gather(*asked) == [[12], [24, 36]]
    assert batcher.taken == 0
    await batcher.close()


async def test_who_has_gone_is_not_computed_and_leaves_its_place():
    network = Network(free=False)
    batcher = make(network, queue=4)
    first = asyncio.create_task(ask(batcher, 1))
    await network.begun.wait()
    asked = [asyncio.create_task(ask(batcher, n)) for n in range(2, 6)]
    await turns()
    for gone in asked[::2]:  # the head of the queue, and one between others
        gone.cancel()
    await turns()
    assert batcher.taken == 2
    network.free.set()
    assert await first == [12]
    assert [await stays for stays in asked[1::2]] == [[36], [60]]
    assert network.batches[1][:, 0, 0, 0].tolist() == [3, 5]
    assert batcher.taken == 0
    await batcher.close()


async def test_who_goes_while_its_batch_computes_harms_no_neighbour():
    network = Network(free=False)
    batcher = make(network)
    gone, stays = (asyncio.create_task(ask(batcher, n)) for n in (1, 2))
    await network.begun.wait()
    gone.cancel()
    await turns()
    network.free.set()
    assert await stays == [24]
    await batcher.close()


async def test_a_fault_is_told_to_all_of_its_batch_and_the_next_goes_well():
    async def compute(images):
        if images[0, 0, 0, 0] == 1:
            raise ValueError("no memory")
        return images[:, 0, 0]

    batcher = make(compute, most=2)
    asked = await asyncio.gather(
        *(ask(batcher, n) for n in (1, 5, 3)), return_exceptions=True
    )
    assert [str(each) for each in asked] == ["no memory", "no memory", "[3.0]"]
    await batcher.close()


async def test_who_waits_too_long_is_refused_but_not_who_computes():
    network = Network(free=False)
    batcher = make(network, most=1, seconds=0)
    first = asyncio.create_task(ask(batcher, 1))
    # Its time is over at once; only one that computes already is let be.
    with pytest.raises(Refusal, match="waited 0 s") as refused:
        await asyncio.wait_for(ask(batcher, 2), 60)
    assert refused.value.status == 503 and batcher.taken == 0
    network.free.set()
    assert await first == [12]
    await batcher.close()


async def test_images_of_two_shapes_never_share_a_batch():
    shapes = []

    async def compute(images):
        shapes.append(images.shape)
        return images.reshape(len(images), -1)

    batcher = make(compute, queue=16)
    with batcher.places(6) as places:
        views = [places.row(np.ones((10, 2, 2, 3), np.float32)) for _ in range(3)]
        images = [places.row(IMAGE) for _ in range(3)]
        mixed = [each for pair in zip(views, images, strict=True) for each in pair]
        rows = await asyncio.gather(*mixed)
    assert [row.size for row in rows] == [120, 12] * 3
    assert shapes == [(4, 10, 2, 2, 3), (4, 2, 2, 3)]
    await batcher.close()


async def test_closing_computes_what_waits():
    network = Network(free=False)
    batcher = make(network, most=2, wait=1e6)
    asked = asyncio.create_task(ask(batcher, 1, 2, 3))
    await network.begun.wait()
    closing = asyncio.create_task(batcher.close())
    await turns()
    assert not closing.done()
    network.free.set()
    assert await asked == [12, 24, 36]
    await closing
    assert network.sizes == [2, 1]
