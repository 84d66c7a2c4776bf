"""How processes come to TensorFlow: workers, and this one where it does their work."""

import multiprocessing
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver
from multiprocessing.context import BaseContext

from tfrecords.streams import import_tensorflow_silently

# What all processes share that are forked.
_ENVIRONMENT = {
    # Threads would be lost in a fork, and their locks never be opened: with these
    # neither NumPy nor TensorFlow begins one while it is imported.
    **{"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    "CUDA_VISIBLE_DEVICES": "-1",  # no process needs a GPU's memory
}


def worker_context() -> BaseContext:
    """Return what starts processes that have TensorFlow, without our own threads.

    On Linux they are forked from a server, which imports it once for all of them: 4 s
    of a processor and 250 MB. It ends with this process. Elsewhere each imports it.
    """
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tfrecords.imported_tensorflow"])
    with _environment():
        forkserver.ensure_running()
    return context


def tensorflow_here() -> None:
    """Import TensorFlow into this process, unless it is there.

    It takes 2 to 4 s, so who only starts workers does without. Of a GPU it then takes
    the memory that it needs, not the whole card.
    """
    if "tensorflow" not in sys.modules:
        os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
        import_tensorflow_silently()


@contextmanager
def _environment() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in _ENVIRONMENT}
    os.environ.update(_ENVIRONMENT)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
