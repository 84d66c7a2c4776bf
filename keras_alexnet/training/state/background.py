"""Writing in the background, one job at a time, with failures remembered."""

import threading
from collections.abc import Callable

from tfrecords.plain_text import warn


class CheckpointWriter:
    """Run jobs that write files in a thread, so that training goes on meanwhile.

    At most one job is under way: the next one waits for it. Where the disk refuses, a
    warning is printed, once a job, and `error` holds the reason until a later job
    succeeds. Any other exception is raised again by `wait`.

    Args:
        warn: Takes the warning.
    """

    def __init__(self, warn: Callable[[str], None] = warn) -> None:
        self.error: OSError | None = None
        self._warn = warn
        self._thread: threading.Thread | None = None
        self._crash: BaseException | None = None

    def submit(self, job: Callable[[], None]) -> None:
        """Wait for the job before, then start this one."""
        self.wait()
        self._thread = threading.Thread(target=self._run, args=(job,))
        self._thread.start()

    def wait(self) -> None:
        """Return when nothing is under way; raise what went wrong but for the disk."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        crash, self._crash = self._crash, None
        if crash is not None:
            raise crash

    def _run(self, job: Callable[[], None]) -> None:
        try:
            job()
            self.error = None
        except OSError as error:
            self.error = error
            reason = error.strerror or str(error)
            self._warn(
                f"The state of the training could not be saved ({reason}). Training "
                "goes on; the next save tries again."
            )
        except BaseException as error:  # the training thread raises it
            self._crash = error
