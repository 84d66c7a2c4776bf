"""Pictures to shards: plan, write in parallel, commit."""

import re
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tfrecords.building import beam
from tfrecords.building.contents import Comparison, check_finished
from tfrecords.building.coverage import Coverage
from tfrecords.building.finished_shards import FinishedShards
from tfrecords.building.folder import end_build, inspect_folder, start_build
from tfrecords.building.lock import build_lock
from tfrecords.building.plan import SHARD_SIZE_MB, Plan, PlannedShard, make_plan
from tfrecords.building.planned_source import PlannedSource, check_apart, plan_for
from tfrecords.building.shard import ShardTask, write_shard
from tfrecords.building.shard_result import load_result, result_path
from tfrecords.building.space import check_space
from tfrecords.dataset.folder_names import check_folder_name
from tfrecords.dataset.manifest import Manifest
from tfrecords.dataset.names import MANIFEST_FILE
from tfrecords.errors import DatasetError
from tfrecords.files import disk_error, local_path
from tfrecords.images.options import ImageOptions
from tfrecords.processes import ProcessDied, check_processes, run_tasks
from tfrecords.progress import Progress
from tfrecords.ranges import check_number
from tfrecords.sources import Source, open_source
from tfrecords.sources.selection import select

MAX_REJECTED = 0.01  # of all pictures


def build(
    source: Path | str,
    out: Path | str,
    *,
    source_kind: str | None = None,
    classes: int | Sequence[str] | None = None,
    limit: int | None = None,
    exclude: Path | None = None,
    relabel: Path | None = None,
    name: str | None = None,
    seed: int = 0,
    processes: int | None = None,
    runner: str | None = None,
    beam_options: Sequence[str] = (),
    shard_size_mb: int = SHARD_SIZE_MB,
    shards: int | None = None,
    encoding: str = "jpeg",
    size: int = 256,
    quality: int = 95,
    filter: str = "bicubic",
    apply_exif: bool = False,
    subsampling: str = "4:2:0",
    validation_fraction: float | None = None,
    test_fraction: float | None = None,
    max_rejected: float = MAX_REJECTED,
    progress: bool = True,
) -> Manifest:
    """Build a dataset folder from pictures.

    The shards' bytes depend on the source, the options and the seed, never on the
    number of processes or on who runs them. A shard appears under its name when it is
    whole, the manifest when all is.

    A build that was stopped, killed or out of space at any moment is finished by the
    same call, which writes only the shards that are missing; the result has the
    bytes of a build that nothing disturbed. Building a finished dataset again does
    nothing.

    Args:
        source: a folder, a tar, a list or CSV file, `tfds:NAME`, or `digits`; see
            `tfrecords.sources.open_source`.
        out: the dataset folder; created.
        source_kind: one of `tfrecords.sources.KINDS`; None lets the source tell.
        classes: take only the first so many classes, or those of these names.
        limit: take at most so many pictures of each split, in its classes' shares.
        exclude: a file with the pictures to leave out, one a line.
        relabel: a CSV file with columns `file` and `label`: labels to correct.
        name: what shard names start with, `[a-z][a-z0-9_]*`; None takes the
            source's own.
        seed: of the shuffle, the splits and the choice for `limit`.
        processes: None means one a core.
        runner: the name of an Apache Beam runner that writes the shards instead of
            processes of this machine. Every worker must see the source and the
            dataset folder under the same paths.
        beam_options: of Beam's pipeline, such as `direct_num_workers=2`.
        shard_size_mb: intended size of a shard, in 10^6 bytes.
        shards: number of shards per split, instead of `shard_size_mb`.
        encoding: what is stored: `jpeg`, `jpeg-original` or `raw`; see
            `tfrecords.images.options.ImageOptions`.
        size: height and width of the pictures, in pixels.
        quality: JPEG quality, 1 to 100.
        filter: `bilinear`, `bicubic`, `lanczos` or `box`, all antialiased.
        apply_exif: turn pictures as their EXIF orientation says; ILSVRC ignores it.
        subsampling: of the JPEG's colour: `4:2:0`, `4:2:2` or `4:4:4`.
        validation_fraction: share of each class's training pictures that becomes
            the validation split; None means 0.1 unless the source has splits.
        test_fraction: the same for test; None means 0.1 for `digits`, else 0.
        max_rejected: the largest bearable fraction of pictures that cannot be used.
            The call can be repeated with another one.
        progress: report on standard error.

    Raises:
        DatasetError: the source is not as expected or its pictures were replaced since
            the folder was built, the folder is not empty or in use by another build,
            too many pictures were rejected, one shard kills every worker, or the disk
            is too small, full or not writable.
    """
    _check_run(max_rejected, processes, runner, beam_options)
    images = _image_options(size, quality, filter, apply_exif, subsampling, encoding)
    choice: dict[str, Any] = {
        "classes": classes,
        "limit": limit,
        "exclude": exclude,
        "relabel": relabel,
    }
    out = local_path(out)
    check_folder_name(out.absolute())

    def read(earlier: bool) -> PlannedSource:
        opened = select(open_source(source, source_kind, earlier), seed=seed, **choice)
        plan = make_plan(
            opened,
            name=_checked_name(name or opened.name),
            seed=seed,
            images=images,
            shards=shards,
            shard_size_mb=shard_size_mb,
            validation_fraction=validation_fraction,
            test_fraction=test_fraction,
            selection={key: _recorded(value) for key, value in choice.items()},
        )
        return PlannedSource(opened, plan)

    check_apart(source, source_kind, out)
    planned = plan_for(out, read)
    plan, opened = planned.plan, planned.source
    check_apart(source, source_kind, out, plan)
    with Progress("build", plan.total, progress) as report:
        for note in (*opened.notes, *Coverage(plan, opened).notes()):
            report.say(note)
        work = _Work(out, plan, opened, images, max_rejected, report)
        return work.carry_out(processes, runner, beam_options)


def _check_run(max_rejected, processes, runner, beam_options) -> None:
    check_number("max_rejected", max_rejected, least=0, most=1)
    check_processes(processes)
    if runner is None and beam_options:
        raise DatasetError("Expected a --runner for the --beam-options; got none.")
    if runner is not None and processes is not None:
        raise DatasetError(
            "Expected --processes or --runner, got both. Beam's runners have options "
            "of their own, such as --beam-options direct_num_workers=2."
        )


def _recorded(value: Any) -> Any:
    # As it comes back from JSON, so that it can be compared.
    if value is None or isinstance(value, int):
        return value
    return str(value) if isinstance(value, str | Path) else list(value)


def _image_options(*options) -> ImageOptions:
    try:
        return ImageOptions(*options)
    except ValueError as error:
        raise DatasetError(str(error)) from None


def _checked_name(name: str) -> str:
    # tfds reads the name back from the shards' names, so no dash may be in it.
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise DatasetError(
            f"Expected a name of small letters, digits and _; got {name!r}."
        )
    return name


@dataclass
class _Work:
    out: Path
    plan: Plan
    source: Source
    images: ImageOptions
    max_rejected: float
    report: Progress

    def carry_out(self, processes, runner, beam_options) -> Manifest:
        out = self.out
        try:
            manifest = inspect_folder(out, self.plan)
            if manifest:
                return check_finished(out, manifest, self.plan, self.report.say)
            with build_lock(out) as token:
                manifest = start_build(out, self.plan)
                if manifest:
                    end_build(out)  # the last build was killed just before it did
                    return check_finished(out, manifest, self.plan, self.report.say)
                finished, missing = self._resume()
                check_space(out, missing, self.images)
                self._write(finished, missing, token, processes, runner, beam_options)
                manifest = finished.commit(out)
                end_build(out)
                for note in finished.notes():
                    self.report.say(note)
                return manifest
        except OSError as error:
            path = out / MANIFEST_FILE if out.is_dir() else out
            raise disk_error(error, path) from None

    def _resume(self) -> tuple[FinishedShards, list[PlannedShard]]:
        finished = FinishedShards(self.plan, self.source, self.images.size)
        missing, done, replaced = [], 0, 0
        comparison = Comparison(self.report.say)
        for shard in self.plan.shards:
            result = load_result(self.out, self.plan.fingerprint, shard)
            now = result and comparison.contents(shard, result.contents)
            if result and now:
                finished.add(replace(result, contents=now))
                done += len(shard.samples)
            else:
                replaced += result is not None
                result_path(self.out, shard.file).unlink(missing_ok=True)
                missing.append(shard)
        if replaced:
            shards = f"{replaced} finished shards are written again"
            self.report.say(f"Pictures were replaced since they were read: {shards}.")
        total = len(self.plan.shards)
        if len(missing) < total:
            there = f"{total - len(missing)} of {total} shards are finished"
            self.report.say(f"resuming: {there}")
        self.report.resume(done)
        finished.check_rejections(self.out, self.max_rejected)
        return finished, missing

    def _write(self, finished, missing, token, processes, runner, beam_options) -> None:
        source, plan = self.source, self.plan
        tasks = [
            ShardTask(
                directory=str(self.out.absolute()),
                token=token,
                fingerprint=plan.fingerprint,
                planned=shard,
                labels=source.labels,
                words=source.words,
                options=self.images,
            )
            for shard in missing
        ]
        by_file = {shard.file: shard for shard in missing}
        if runner is None:
            files = self._run_pool(tasks, processes)
        else:
            files = self._run_beam(tasks, runner, beam_options)
        with closing(files):
            for file in files:
                result = load_result(self.out, plan.fingerprint, by_file[file])
                if result is None:
                    raise DatasetError(
                        f"{self.out / file} or its result has changed since it was "
                        "written. Run the same command again."
                    )
                finished.add(result)
                finished.check_rejections(self.out, self.max_rejected)

    def _run_pool(self, tasks, processes) -> Generator[str, None, None]:
        before = self.plan.total - sum(len(task.planned.samples) for task in tasks)

        def watch(ticks: int) -> None:
            self.report.update(before + ticks)

        def died(task: ShardTask) -> None:
            self.report.say(f"A worker died; {task.planned.file} is begun again.")

        try:
            yield from run_tasks(write_shard, tasks, processes, watch, died)
        except ProcessDied as error:
            raise _deadly(error) from None

    def _run_beam(self, tasks, runner, options) -> Generator[str, None, None]:
        sizes = {task.planned.file: len(task.planned.samples) for task in tasks}
        done = self.plan.total - sum(sizes.values())
        for file in beam.write_shards(self.out, tasks, runner, options):
            done += sizes[file]
            self.report.update(done)
            yield file


def _deadly(error: ProcessDied) -> DatasetError:
    shard = error.task.planned
    places = sorted({min(ticks, len(shard.samples) - 1) for ticks in error.ticks})
    pictures = ", ".join(shard.samples[place].key for place in places)
    return DatasetError(
        f"{len(error.ticks)} worker processes died over {shard.file}, at {pictures}. "
        "If it was for want of memory, run the same command again with fewer "
        "--processes; else leave the picture out with --exclude in a new folder. "
        "Finished shards are kept."
    )
