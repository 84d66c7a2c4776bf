"""Pictures to shards: plan, write in parallel, commit."""

import re
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from tfrecords.building import beam
from tfrecords.building.contents import Comparison, check_finished
from tfrecords.building.coverage import Coverage
from tfrecords.building.finished_shards import FinishedShards
from tfrecords.building.folder import end_build, inspect_folder, start_build
from tfrecords.building.lock import build_lock
from tfrecords.building.options import BuildOptions, takes_options
from tfrecords.building.plan import Plan, PlannedShard, make_plan
from tfrecords.building.planned_source import PlannedSource, check_apart, plan_for
from tfrecords.building.shard import ShardTask, write_shard
from tfrecords.building.shard_result import load_result, result_path
from tfrecords.building.space import check_space
from tfrecords.building.timings import timing_lines
from tfrecords.dataset.folder_names import check_folder_name
from tfrecords.dataset.manifest import Manifest
from tfrecords.dataset.names import MANIFEST_FILE
from tfrecords.errors import DatasetError
from tfrecords.files import disk_error, local_path
from tfrecords.processes import ProcessDied, run_tasks
from tfrecords.progress import Progress
from tfrecords.sources import AUTO, open_source
from tfrecords.sources.selection import select
from tfrecords.stopwatch import Stopwatch, phase, stopwatch


@takes_options
def build(
    source: Path | str, out: Path | str, *, progress: bool = True, **options: Any
) -> Manifest:
    """Build a dataset folder from pictures.

    The shards' bytes depend on the source, the options and the seed, never on the
    number of processes or on who runs them. A shard appears under its name when it is
    whole, the manifest when all is.

    A build that was stopped, killed or out of space at any moment is finished by the
    same call, which writes only the shards that are missing; the result has the
    bytes of a build that nothing disturbed. Building a finished dataset again does
    nothing.

    With several processes, as is usual, each imports the script that calls this before
    it begins: a script must call it below `if __name__ == "__main__":`.

    Args:
        source: a folder, a tar, a list or CSV file, `tfds:NAME`, or `digits`; see
            `tfrecords.sources.open_source`.
        out: the dataset folder; created.
        progress: report on standard error.
        options: fields of `tfrecords.building.options.BuildOptions`, which says what
            each is.

    Raises:
        DatasetError: an option is out of range or has no effect, the source is not as
            expected or its pictures were replaced since the folder was built, the
            folder is not empty or in use by another build, too many pictures were
            rejected, one shard kills every process, a script calls this without a
            guard, or the disk is too small, full or not writable.
    """
    chosen = BuildOptions(**options)
    chosen.check_effect(options)
    out = local_path(out)
    check_folder_name(out.absolute())
    kind = None if chosen.source_kind == AUTO else chosen.source_kind
    check_apart(source, kind, out)
    with stopwatch(chosen.timings) as watch:
        planned = plan_for(out, partial(_plan, source, kind, chosen))
        check_apart(source, kind, out, planned.plan)
        with Progress("build", planned.plan.total, progress) as report:
            for note in (
                *planned.source.notes,
                *Coverage(planned.plan, planned.source).notes(),
            ):
                report.say(note)
            return _Work(out, planned, chosen, report, watch).carry_out()


def _plan(
    source: Path | str, kind: str | None, options: BuildOptions, earlier: bool
) -> PlannedSource:
    choice = options.selection
    with phase("scan"):
        opened = select(open_source(source, kind, earlier), seed=options.seed, **choice)
    with phase("plan"):
        plan = make_plan(
            opened,
            name=_checked_name(options.name or opened.name),
            seed=options.seed,
            images=options.images,
            shards=options.shards,
            shard_size_mb=options.shard_size_mb,
            validation_fraction=options.validation_fraction,
            test_fraction=options.test_fraction,
            selection={key: _recorded(value) for key, value in choice.items()},
        )
    return PlannedSource(opened, plan)


def _recorded(value: Any) -> Any:
    # As it comes back from JSON, so that it can be compared.
    if value is None or isinstance(value, int):
        return value
    return str(value) if isinstance(value, str | Path) else list(value)


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
    planned: PlannedSource
    options: BuildOptions
    report: Progress
    watch: Stopwatch
    workers: Stopwatch = field(default_factory=Stopwatch)

    @property
    def plan(self) -> Plan:
        return self.planned.plan

    def carry_out(self) -> Manifest:
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
                with phase("resume"):
                    finished, missing = self._resume()
                check_space(out, missing, self.options.images)
                self._write(finished, missing, token)
                with phase("commit"):
                    manifest = finished.commit(out)
                    end_build(out)
                for note in finished.notes():
                    self.report.say(note)
                self._say_timings(missing)
                return manifest
        except OSError as error:
            path = out / MANIFEST_FILE if out.is_dir() else out
            raise disk_error(error, path) from None

    def _resume(self) -> tuple[FinishedShards, list[PlannedShard]]:
        finished = FinishedShards(self.plan, self.planned.source, self.options.size)
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
        finished.check_rejections(self.out, self.options.max_rejected)
        return finished, missing

    def _write(
        self, finished: FinishedShards, missing: list[PlannedShard], token: str
    ) -> None:
        source, plan = self.planned.source, self.plan
        tasks = [
            ShardTask(
                directory=str(self.out.absolute()),
                token=token,
                fingerprint=plan.fingerprint,
                planned=shard,
                labels=source.labels,
                words=source.words,
                options=self.options.images,
                timings=self.options.timings,
            )
            for shard in missing
        ]
        by_file = {shard.file: shard for shard in missing}
        here = self.options.runner is None
        write = self._write_here if here else self._write_by_beam
        with closing(write(tasks)) as files:
            for file in files:
                with phase("collect"):
                    result = load_result(self.out, plan.fingerprint, by_file[file])
                    if result is None:
                        raise DatasetError(
                            f"{self.out / file} or its result has changed since it was "
                            "written. Run the same command again."
                        )
                    finished.add(result)
                    self.workers.add(result.seconds)
                    finished.check_rejections(self.out, self.options.max_rejected)

    def _say_timings(self, written: list[PlannedShard]) -> None:
        if not self.options.timings:
            return
        here = "start" not in self.workers.phases and self.options.runner is None
        self.watch.end(self.workers.spent if here else None)
        pictures = sum(len(shard.samples) for shard in written)
        for line in timing_lines(self.watch.phases, self.workers.phases, pictures):
            self.report.say(line)

    def _write_here(self, tasks: list[ShardTask]) -> Generator[str, None, None]:
        before = self.plan.total - sum(len(task.planned.samples) for task in tasks)

        def watch(ticks: int) -> None:
            self.report.update(before + ticks)

        def died(task: ShardTask) -> None:
            self.report.say(f"A worker died; {task.planned.file} is begun again.")

        try:
            yield from run_tasks(
                write_shard, tasks, self.options.processes, watch, died
            )
        except ProcessDied as error:
            raise _deadly(error) from None

    def _write_by_beam(self, tasks: list[ShardTask]) -> Generator[str, None, None]:
        sizes = {task.planned.file: len(task.planned.samples) for task in tasks}
        done = self.plan.total - sum(sizes.values())
        runner, options = self.options.runner or "", self.options.beam_options
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
