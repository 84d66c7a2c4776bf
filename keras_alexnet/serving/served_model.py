"""One version of a network that is ready to answer."""

import asyncio
import time
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

from keras_alexnet.inference.runtimes.openvino import KEPT_SIZES
from keras_alexnet.serving.batcher import Batcher, Places, batch_sizes
from keras_alexnet.serving.metrics import Metrics
from keras_alexnet.serving.options import ServingOptions
from keras_alexnet.serving.pictures import PictureReader
from keras_alexnet.serving.refusal import Refusal
from keras_alexnet.trained.network import TrainedNetwork

Row = np.ndarray | Refusal
_BLACK = b"P6 1 1 255 \0\0\0"  # a picture of one pixel, as PPM
T = TypeVar("T")


class ServedModel:
    """A network, its thread and its queue.

    Args:
        network: Answers from here on only through this.
        options: See the class.
        readers: Threads that decode.
        metrics: Told of batches and seconds.
        version: In the addresses of both protocols.

    Attributes:
        network, version: As given.
        labels: Class names in label order.
        image_shape: Of one image: `(size, size, 3)`.
        top: Classes to name; at most all.

    Raises:
        UserError: The export has other views built in, or does not tell its
            preprocessing.
    """

    def __init__(
        self,
        network: TrainedNetwork,
        options: ServingOptions,
        readers: ThreadPoolExecutor,
        metrics: Metrics,
        version: str = "1",
    ) -> None:
        network.classifier(options.views)  # raises where other views are built in
        self.network = network
        self.version = version
        self.labels = network.labels
        self.top = min(options.top, len(network.labels))
        self._pictures = PictureReader(network, options.views or network.views)
        self.image_shape = self._pictures.image_shape[-3:]
        self._readers = readers
        self._metrics = metrics
        self._thread = ThreadPoolExecutor(1, f"compute-{version}")
        # OpenVINO compiles for each size, and keeps no more than these.
        kept = KEPT_SIZES if network.runtime == "openvino" else None
        self._sizes = batch_sizes(options.max_batch, kept)
        self.batcher = Batcher(
            self._compute,
            sizes=self._sizes,
            max_wait=options.max_wait_ms / 1000,
            queue=options.queue,
            queue_seconds=options.queue_seconds,
            observe=metrics.batch_pictures.observe,
        )
        self._users = 0
        self._unused = asyncio.Event()
        self._unused.set()

    async def start(self) -> None:
        """Read a picture, compute a batch of each size and shape, begin to answer."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._readers, self._pictures.read, _BLACK)
        # Of pictures last: of what OpenVINO compiles, it keeps the latest.
        for shape in dict.fromkeys((self.image_shape, self._pictures.image_shape)):
            for size in self._sizes:
                await self._compute(np.zeros((size, *shape), np.float32))
        self.batcher.start()

    async def close(self) -> None:
        """End when the last request is answered."""
        self.batcher.hasten()
        await self._unused.wait()
        await self.batcher.close()
        self._thread.shutdown(wait=False)

    @contextmanager
    def used(self) -> Iterator["ServedModel"]:
        """Give itself, and keep it until the block ends."""
        self._users += 1
        self._unused.clear()
        try:
            yield self
        finally:
            self._users -= 1
            if not self._users:
                self._unused.set()

    async def classify(self, pictures: Sequence[bytes]) -> list[Row]:
        """Return the probabilities of each picture, or why it has none.

        Args:
            pictures: Bytes of files, whose headers are checked.

        Raises:
            Refusal: The queue is full, or the network could not compute.
        """
        with self.batcher.places(len(pictures)) as places:
            return await _all(self._classify(each, places) for each in pictures)

    async def rows(self, images: np.ndarray) -> np.ndarray:
        """Return the probabilities of images, float32 `(count, classes)`.

        Args:
            images: float32 `(count, size, size, 3)`, as `preprocessing.images` gives
                them.

        Raises:
            Refusal: As `classify`.
        """
        with self.batcher.places(len(images)) as places:
            found = await _all(self._row(image, places) for image in images)
        return np.array(found, np.float32).reshape(len(images), len(self.labels))

    def compute(self, images: np.ndarray) -> np.ndarray:
        """Return probabilities to another thread than the loop's, past the queue.

        They are computed in passes of the largest batch, of which each waits for those
        that predictions have begun, and predictions wait for no more than one.

        Args:
            images: float32 `(count, size, size, 3)`, as in `rows`.
        """
        most = self._sizes[-1]
        rows = []
        for start in range(0, len(images), most):
            some = images[start : start + most]
            filled = np.zeros((most, *some.shape[1:]), np.float32)
            filled[: len(some)] = some
            found = self._thread.submit(self.network.probabilities, filled).result()
            rows.append(found[: len(some)])
        return np.concatenate(rows)

    async def _classify(self, picture: bytes, places: Places) -> Row:
        loop = asyncio.get_running_loop()
        try:
            images = await loop.run_in_executor(self._readers, self._read, picture)
        except Refusal as refusal:
            return refusal
        return await self._row(images, places)

    def _read(self, picture: bytes) -> np.ndarray:
        with self._metrics.decode_seconds.time():
            return self._pictures.read(picture)

    async def _row(self, images: np.ndarray, places: Places) -> np.ndarray:
        start = time.monotonic()
        row = await places.row(images)
        self._metrics.wait_seconds.observe(time.monotonic() - start)
        return row

    async def _compute(self, images: np.ndarray) -> np.ndarray:
        loop = asyncio.get_running_loop()
        with self._metrics.inference_seconds.time():
            compute = self.network.probabilities
            return await loop.run_in_executor(self._thread, compute, images)


async def _all(answers: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Return all answers; if one raises, the others are not waited for."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(answer) for answer in answers]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]
