"""The versions of a SavedModel in a folder: the newest good one answers."""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from pathlib import Path

from keras_alexnet.serving.served_model import ServedModel
from keras_alexnet.trained.names import CONFIG_FILE
from keras_alexnet.trained.opening import SAVED_MODEL_FILE
from tfrecords.plain_text import say, warn

_State = tuple[tuple[str, int, int], ...]


def is_versions_folder(path: Path) -> bool:
    """Return whether a folder holds versions of a SavedModel, `3` beside `2`."""
    return not (path / CONFIG_FILE).exists() and bool(list_versions(path))


def list_versions(folder: Path) -> list[Path]:
    """Return the folders of all versions, the newest first."""
    files = folder.glob(f"*/{SAVED_MODEL_FILE}")
    found = [file.parent for file in files if file.parent.name.isdecimal()]
    return sorted(found, key=lambda version: int(version.name), reverse=True)


class ModelVersions:
    """What answers now, and what comes after it.

    A version that cannot be loaded is refused, and looked at again when its files
    change: it may have been copied meanwhile.

    Args:
        first: What answers first.
        folder: Of versions; None: nothing comes after the first.
        open_version: From the folder of a version to a model that has started.
        seconds: Between two looks.
        changed: Told of each that answers from now on.

    Attributes:
        current: What answers now.
    """

    def __init__(
        self,
        first: ServedModel,
        folder: Path | None,
        open_version: Callable[[Path], Awaitable[ServedModel]],
        *,
        seconds: float,
        changed: Callable[[ServedModel], None],
    ) -> None:
        self.current = first
        self._folder = folder
        self._open = open_version
        self._seconds = seconds
        self._changed = changed
        self._refused: dict[Path, _State] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Warm the first up, and begin to look for others."""
        await self.current.start()
        self._changed(self.current)
        if self._folder is not None:
            self._watch = asyncio.create_task(self._look_again())

    async def close(self) -> None:
        """Answer what was accepted, and end."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait({self._watch})
        await asyncio.gather(self.current.close(), *self._closing)

    async def look(self) -> None:
        """Look once, and change to the newest good version if that is another."""
        assert self._folder is not None
        version = await asyncio.to_thread(self._newest, self._folder)
        if version is None or version.name == self.current.version:
            return
        state = _state(version)
        try:
            model = await self._open(version)
        except Exception as error:
            self._refused[version] = state
            kept = f"version {self.current.version} goes on answering"
            warn(f"Version {version.name} is refused, {kept}: {error}")
            return
        former, self.current = self.current, model
        self._changed(model)
        say(f"Version {model.version} answers from now on.")
        task = asyncio.create_task(_unload(former))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _look_again(self) -> None:
        while True:
            await asyncio.sleep(self._seconds)
            try:
                await self.look()
            except OSError as error:  # the folder is gone, for a while or for good
                warn(f"Cannot look for versions in {self._folder}: {error}")

    def _newest(self, folder: Path) -> Path | None:
        """Return the newest that is not known to be of no use."""
        for version in list_versions(folder):
            if version not in self._refused or self._refused[version] != _state(
                version
            ):
                return version
        return None


def _state(version: Path) -> _State:
    files = [(path, path.stat()) for path in sorted(version.rglob("*"))]
    return tuple((str(path), told.st_size, told.st_mtime_ns) for path, told in files)


async def _unload(model: ServedModel) -> None:
    await model.close()
    del model
    await asyncio.to_thread(gc.collect)  # a loaded SavedModel holds itself
