"""Pictures of many requests, computed together."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import numpy as np

from keras_alexnet.serving.refusal import Refusal, busy

Compute = Callable[[np.ndarray], Awaitable[np.ndarray]]


def batch_sizes(most: int, count: int | None = None) -> tuple[int, ...]:
    """Return the sizes that batches are filled up to, ascending.

    Args:
        most: Pictures in a batch; the last of the sizes.
        count: Of sizes, at most, 2 or more; None: as many as there are powers of 2.

    Returns:
        Powers of 2, or of 4, 8 and so on where those are too many, and the most.
    """
    step = 1
    while True:
        powers = (2**n for n in range(0, most.bit_length(), step))
        sizes = (*(size for size in powers if size < most), most)
        if count is None or len(sizes) <= count:
            return sizes
        step += 1


@dataclass(eq=False)
class _Waiting:
    images: np.ndarray
    row: "asyncio.Future[np.ndarray]"
    since: float
    places: "Places"


class Places:
    """Room for the pictures of one request, from their decoding until they compute.

    Attributes:
        left: Places that no batch has taken yet.
    """

    def __init__(self, batcher: "Batcher", count: int) -> None:
        self._batcher = batcher
        self.left = count

    async def row(self, images: np.ndarray) -> np.ndarray:
        """Return the probabilities of one picture, float32 `(classes,)`.

        Args:
            images: float32, what the network takes of one picture.

        Raises:
            Refusal: It has waited too long.
        """
        return await self._batcher.wait_for_row(images, self)


class Batcher:
    """Gathers pictures to batches and hands out their rows.

    Args:
        compute: From float32 `(batch, ...)` to float32 `(batch, classes)`; it is never
            called twice at a time.
        sizes: What a batch is filled up to, with zeros, so that few shapes are
            compiled; ascending, the last is the largest batch.
        max_wait: Seconds that a picture waits, at most, for others.
        queue: Places.
        queue_seconds: Seconds after which a picture that waits is refused.
        observe: Told the number of pictures of each batch.
    """

    def __init__(
        self,
        compute: Compute,
        *,
        sizes: Sequence[int],
        max_wait: float,
        queue: int,
        queue_seconds: float,
        observe: Callable[[int], None] = lambda count: None,
    ) -> None:
        self._compute = compute
        self._sizes = tuple(sizes)
        self._max_wait = max_wait
        self._capacity = queue
        self._queue_seconds = queue_seconds
        self._observe = observe
        self._waiting: deque[_Waiting] = deque()
        self._changed = asyncio.Event()
        self._closing = False
        self._worker: asyncio.Task[None] | None = None
        self.taken = 0  # places

    def start(self) -> None:
        """Begin to compute, in the running loop."""
        self._worker = asyncio.create_task(self._work())

    def hasten(self) -> None:
        """Wait for others no longer: whoever is still to come is expected to end."""
        self._max_wait = 0
        self._changed.set()

    async def close(self) -> None:
        """Compute what waits, then end."""
        self._closing = True
        self._changed.set()
        if self._worker is not None:
            await self._worker

    @contextmanager
    def places(self, count: int) -> Iterator[Places]:
        """Take so many places, all or none, until the block ends.

        Raises:
            Refusal: Status 503, so many are not free; 413, so many never are.
        """
        if count > self._capacity:
            raise Refusal(
                413,
                f"Expected at most {self._capacity} pictures in a request, got "
                f"{count}. Send them in several.",
            )
        if self.taken + count > self._capacity:
            raise busy(
                f"All {self._capacity} places of the queue are taken, or too many for "
                f"{count} picture(s). Try again in a second."
            )
        self.taken += count
        places = Places(self, count)
        try:
            yield places
        finally:
            self.taken -= places.left
            places.left = 0

    async def wait_for_row(self, images: np.ndarray, places: Places) -> np.ndarray:
        """Do as `Places.row`."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(images, loop.create_future(), loop.time(), places)
        self._waiting.append(waiting)
        self._changed.set()
        timer = loop.call_later(self._queue_seconds, self._give_up, waiting)
        try:
            return await waiting.row
        finally:
            timer.cancel()

    def _give_up(self, waiting: _Waiting) -> None:
        # Of a batch that computes already, the answer is worth waiting for.
        if waiting in self._waiting and not waiting.row.done():
            reason = f"waited {self._queue_seconds:g} s without being computed"
            waiting.row.set_exception(busy(f"The picture {reason}. Try again later."))

    async def _work(self) -> None:
        while batch := await self._gather():
            rows = await self._rows(batch)
            for each, row in zip(batch, rows, strict=True):
                if not each.row.done():  # whoever waited may have gone
                    if isinstance(row, Exception):
                        each.row.set_exception(row)
                    else:
                        each.row.set_result(row)

    async def _gather(self) -> list[_Waiting]:
        """Wait for the next batch; empty at the end."""
        now = asyncio.get_running_loop().time
        while not self._is_ready(batch := self._next_batch(), now()):
            if self._closing:
                return []
            await self._wait(batch[0].since + self._max_wait if batch else None)
        for each in batch:
            self._waiting.remove(each)
            each.places.left -= 1
            self.taken -= 1
        return batch

    def _is_ready(self, batch: list[_Waiting], now: float) -> bool:
        full = len(batch) == self._sizes[-1]
        return bool(batch) and (
            full or self._closing or now >= batch[0].since + self._max_wait
        )

    def _next_batch(self) -> list[_Waiting]:
        """Return what would be computed now, of one shape, without those who left."""
        while self._waiting and self._waiting[0].row.done():
            self._waiting.popleft()
        here = [each for each in self._waiting if not each.row.done()]
        same = [each for each in here if each.images.shape == here[0].images.shape]
        return same[: self._sizes[-1]]

    async def _wait(self, deadline: float | None) -> None:
        """Wait until something changes, or the time comes."""
        self._changed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(deadline):
                await self._changed.wait()

    async def _rows(self, batch: list[_Waiting]) -> Sequence[np.ndarray | Exception]:
        self._observe(len(batch))
        size = next(size for size in self._sizes if size >= len(batch))
        images = np.zeros((size, *batch[0].images.shape), np.float32)
        for place, each in enumerate(batch):
            images[place] = each.images
        try:
            return list((await self._compute(images))[: len(batch)])
        except Exception as error:
            return [error] * len(batch)
