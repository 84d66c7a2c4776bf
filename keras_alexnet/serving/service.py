"""What every route of a server shares: its limits, its model and its figures."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from fastapi import Request

from keras_alexnet.serving.limits import BodyLimit
from keras_alexnet.serving.metrics import Metrics
from keras_alexnet.serving.model_versions import ModelVersions
from keras_alexnet.serving.options import ServingOptions
from keras_alexnet.serving.pictures import check_header
from keras_alexnet.serving.refusal import Refusal, busy
from keras_alexnet.serving.served_model import Row, ServedModel
from keras_alexnet.serving.uploads import Upload, upload_type, uploads_of
from keras_alexnet.trained.network import TrainedNetwork
from keras_alexnet.trained.opening import load

T = TypeVar("T")
MOST_READERS = 4  # threads: each may hold a decoded picture of the largest size
MOST_APART = 4  # jobs that run or wait
OpenNetwork = Callable[[Path], TrainedNetwork]


class Service:
    """A network that is served, for the routes of an app.

    Args:
        network: What answers first.
        options: See the class.
        folder: Of versions of a SavedModel, of which the newest good one answers; None:
            the network is all there is.
        load: From the folder of a version to its network.

    Attributes:
        options: As given.
        metrics: See the class.
        limit: Of bodies.
        jobs_apart: That run or wait; see `run_apart`.
        ready: Whether it answers: neither warms up nor ends.

    Raises:
        UserError: The network cannot be served as the options say.
    """

    def __init__(
        self,
        network: TrainedNetwork,
        options: ServingOptions,
        *,
        folder: Path | None = None,
        load: OpenNetwork = load,
    ) -> None:
        self.options = options
        self.metrics = Metrics()
        self.limit = BodyLimit(options.max_bytes, options.sender_seconds)
        self.ready = False
        readers = min(MOST_READERS, os.cpu_count() or 1)
        self._readers = ThreadPoolExecutor(readers, "reader")
        self._apart = ThreadPoolExecutor(1, "apart")
        self.jobs_apart = 0
        self._load = load
        version = network.path.name if folder else "1"
        self._versions = ModelVersions(
            self._served(network, version),
            folder,
            self._open_version,
            seconds=options.reload_seconds,
            changed=self._show,
        )

    @property
    def model(self) -> ServedModel:
        """What answers now; `with service.model.used() as model` keeps it."""
        return self._versions.current

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Warm up, answer until the block ends, then answer what was accepted."""
        await self._versions.start()
        self.ready = True
        try:
            yield
        finally:
            self.ready = False
            await self._versions.close()
            for threads in (self._readers, self._apart):
                threads.shutdown(wait=False, cancel_futures=True)

    async def look_for_versions(self) -> None:
        """Change to the newest good version now, without waiting for the next look."""
        await self._versions.look()

    def _served(self, network: TrainedNetwork, version: str) -> ServedModel:
        shared = (self.options, self._readers, self.metrics)
        return ServedModel(network, *shared, version)

    async def _open_version(self, path: Path) -> ServedModel:
        network = await asyncio.to_thread(self._load, path)
        model = self._served(network, path.name)
        await model.start()
        return model

    def _show(self, model: ServedModel) -> None:
        network = model.network
        preset = network.config.preset.name
        self.metrics.show_model(preset, model.version, network.runtime)

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
        return await loop.run_in_executor(self._readers, function, *arguments)

    async def run_apart(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run what takes seconds, one at a time, while pictures are answered.

        Raises:
            Refusal: Status 503, too many wait for it.
        """
        if self.jobs_apart == MOST_APART:
            raise busy(f"{MOST_APART} such requests run or wait. Try again later.")
        self.jobs_apart += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._apart, function, *arguments)
        finally:
            self.jobs_apart -= 1
