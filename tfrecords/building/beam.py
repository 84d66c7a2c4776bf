"""The same shards by Apache Beam: many machines, one folder that all of them see."""

import pickle
import re
import threading
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from types import ModuleType

from tfrecords.building.lock import revoke
from tfrecords.building.shard import ShardTask, write_shard
from tfrecords.building.shard_result import result_path
from tfrecords.dataset.names import BUILDING_FOLDER
from tfrecords.errors import DatasetError

_POLL_SECONDS = 0.5
_ERROR = re.compile(r"DatasetError: ([^\n]*?)(?: \[while running|\\n|\n|$)")
_one_at_a_time = threading.Lock()


def write_shards(
    out: Path, tasks: Sequence[ShardTask], runner: str, options: Sequence[str]
) -> Generator[str, None, None]:
    """Write shards by a Beam pipeline and give the name of each that is finished.

    Workers run `write_shard`, as those of `tfrecords.processes` do, so the shards have
    the same bytes. They find their tasks in the dataset folder, leave their results
    there, and read pictures by the paths that the source was listed with: the
    folder and the source must be on a file system that every worker has at the same
    place, and this package must be installed for every worker.

    Args:
        out: the dataset folder, locked for this build.
        tasks: none of them has a result yet.
        runner: a Beam runner's name, such as `DirectRunner`.
        options: of the pipeline, `name=value` with or without leading dashes.

    Raises:
        DatasetError: apache-beam is not installed, or the pipeline failed.
    """
    beam = _import_beam()
    paths = [_write_task(out, task) for task in tasks]
    left = {task.planned.file for task in tasks}
    with ThreadPoolExecutor(1) as thread:
        job = thread.submit(_run_pipeline, beam, paths, runner, options)
        try:
            over = False
            while left and not over:
                over = bool(wait([job], _POLL_SECONDS).done)  # then look once more
                found = {file for file in left if result_path(out, file).exists()}
                left -= found
                yield from sorted(found)
            _check(job)
        finally:
            if not job.done():
                revoke(out)  # its workers begin no other shard, and the pipeline fails


def _import_beam() -> ModuleType:
    try:
        import apache_beam
    except ModuleNotFoundError:
        raise DatasetError(
            "Expected Apache Beam for --runner, it is not installed. Install it with: "
            "pip install 'keras-alexnet[beam]'."
        ) from None
    return apache_beam


def _write_task(out: Path, task: ShardTask) -> str:
    # The pipeline itself holds only paths: runners limit its size.
    path = out.absolute() / BUILDING_FOLDER / "tasks" / task.planned.file
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(pickle.dumps(task))
    return str(path)


def _run_pipeline(
    beam: ModuleType, paths: list[str], runner: str, options: Sequence[str]
) -> None:
    from apache_beam.options.pipeline_options import PipelineOptions

    flags = [f"--runner={runner}", *(f"--{x.lstrip('-')}" for x in options)]
    with beam.Pipeline(options=PipelineOptions(flags)) as pipeline:
        found = pipeline | beam.Create(paths) | beam.Reshuffle()
        found | beam.Map(perform)


def perform(path: str) -> str:
    """Carry out the task in a file; a worker's processes do one at a time each.

    Raises:
        DatasetError: as `write_shard`.
    """
    with _one_at_a_time:
        return write_shard(pickle.loads(Path(path).read_bytes()))


def _check(job: Future) -> None:
    error = job.exception()  # waits
    if error is None:
        return
    text = str(error).strip()
    told = _ERROR.search(text)
    reason = told[1] if told else (text.splitlines() or [type(error).__name__])[-1]
    raise DatasetError(
        f"The Beam pipeline failed: {reason} Finished shards are kept; "
        "run the same command again."
    ) from error
