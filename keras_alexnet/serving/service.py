"""What every route of a server shares: its limits, its model and its figures."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from fastapi import Request

from keras_alexnet.serving.limits import BodyLimit
from keras_alexnet.serving.metrics import Metrics
from keras_alexnet.serving.options import ServingOptions
from keras_alexnet.serving.pictures import check_header
from keras_alexnet.serving.refusal import Refusal
from keras_alexnet.serving.served_model import Row, ServedModel
from keras_alexnet.serving.uploads import Upload, upload_type, uploads_of
from keras_alexnet.trained.network import TrainedNetwork

T = TypeVar("T")
MOST_READERS = 4  # threads: each may hold a decoded picture of the largest size


class Service:
    """A network that is served, for the routes of an app.

    Args:
        network: What answers first.
        options: See the class.

    Attributes:
        options: As given.
        metrics: See the class.
        limit: Of bodies.
        model: What answers now.
        ready: Whether it answers: neither warms up nor ends.
    """

    def __init__(self, network: TrainedNetwork, options: ServingOptions) -> None:
        self.options = options
        self.metrics = Metrics()
        self.limit = BodyLimit(options.max_bytes, options.sender_seconds)
        readers = min(MOST_READERS, os.cpu_count() or 1)
        self.readers = ThreadPoolExecutor(readers, "reader")
        self.model = ServedModel(network, options, self.readers, self.metrics)
        self.ready = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Warm up, answer until the block ends, then answer what was accepted."""
        await self.model.start()
        self.ready = True
        try:
            yield
        finally:
            self.ready = False
            await self.model.close()
            self.readers.shutdown(wait=False)

    @asynccontextmanager
    async def uploads(self, request: Request) -> AsyncIterator[list[Upload]]:
        """Give the pictures of a request, for any route that takes some.

        Their bytes are counted, timed and held until the block ends; they are not
        decoded, and none of their headers is looked at: see `check_picture`.

        Raises:
            Refusal: The request is too long, too slow, of another type or without a
                picture.
        """
        upload_type(request)  # before any of it is read
        async with self.limit.body(request) as body:
            yield uploads_of(request, body)

    def check_picture(self, data: bytes) -> tuple[int, int]:
        """Return width and height in pixels by the header, before any is decoded.

        Raises:
            Refusal: Status 422, no picture, or of too many pixels.
        """
        return check_header(data, self.options.max_pixels)

    async def classify(
        self, model: ServedModel, contents: Sequence[bytes]
    ) -> list[Row]:
        """Return the probabilities of each picture, or why it has none.

        Args:
            model: In whose use the caller is.
            contents: Bytes of files.

        Raises:
            Refusal: The queue is full, or the network could not compute.
        """
        refused = await self.in_thread(self._refused, contents)
        pairs = list(zip(contents, refused, strict=True))
        rows = iter(await model.classify([data for data, bad in pairs if bad is None]))
        return [next(rows) if bad is None else bad for _, bad in pairs]

    def _refused(self, contents: Sequence[bytes]) -> list[Refusal | None]:
        found: list[Refusal | None] = []
        for data in contents:
            try:
                self.check_picture(data)
                found.append(None)
            except Refusal as refusal:
                found.append(refusal)
        return found

    async def in_thread(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run what takes longer than a moment beside the loop."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.readers, function, *arguments)
