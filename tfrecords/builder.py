"""Pictures to shards: plan, write in parallel, commit."""

import json
import re
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfrecords import pool
from tfrecords.errors import DatasetError
from tfrecords.files import disk_error, write_atomically
from tfrecords.images import ImageOptions, codec_versions
from tfrecords.labels import synset, write_labels
from tfrecords.manifest import MANIFEST_FILE, REJECTED_FILE, Manifest, Shard
from tfrecords.output import finish, prepare
from tfrecords.plan import SHARD_SIZE_MB, Plan, make_plan
from tfrecords.progress import Progress
from tfrecords.schema import write_tfds_metadata
from tfrecords.shard import Rejection, ShardResult, ShardTask, write_shard
from tfrecords.sources import Source, open_source
from tfrecords.statistics import STATISTICS_FILE, Accumulator

MAX_REJECTED = 0.01  # of all pictures


def build(
    source: Path | str,
    out: Path | str,
    *,
    source_kind: str | None = None,
    name: str | None = None,
    seed: int = 0,
    processes: int | None = None,
    shard_size_mb: int = SHARD_SIZE_MB,
    shards: int | None = None,
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
    number of processes. A shard appears under its name when it is whole, the
    manifest when all is. Building a finished dataset again does nothing.

    Args:
        source: a folder of pictures, or `digits`.
        out: the dataset folder; created.
        source_kind: `folder` or `digits`; None lets the source tell.
        name: what shard names start with, `[a-z][a-z0-9_]*`; None takes the
            source's own.
        seed: of the shuffle and the splits.
        processes: None means one a core.
        shard_size_mb: intended size of a shard, in 10^6 bytes.
        shards: number of shards per split, instead of `shard_size_mb`.
        size: height and width of the stored pictures, in pixels.
        quality: JPEG quality, 1 to 100.
        filter: `bilinear`, `bicubic`, `lanczos` or `box`, all antialiased.
        apply_exif: turn pictures as their EXIF orientation says; ILSVRC ignores it.
        subsampling: of the JPEG's colour: `4:2:0`, `4:2:2` or `4:4:4`.
        validation_fraction: share of each class's training pictures that becomes
            the validation split; None means 0.1 unless the source has splits.
        test_fraction: the same for test; None means 0.1 for `digits`, else 0.
        max_rejected: the largest bearable fraction of pictures that cannot be used.
        progress: report on standard error.

    Raises:
        DatasetError: the source is not as expected, the folder is not empty, too
            many pictures were rejected, or the disk is full or not writable.
    """
    if not 0 <= max_rejected <= 1:
        raise DatasetError(f"Expected max_rejected from 0 to 1; got {max_rejected}.")
    opened = open_source(source, source_kind)
    images = _image_options(size, quality, filter, apply_exif, subsampling)
    plan = make_plan(
        opened,
        name=_checked_name(name or opened.name),
        seed=seed,
        images=images,
        shards=shards,
        shard_size_mb=shard_size_mb,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
    )
    out = Path(out)
    with Progress("build", plan.total, progress) as report:
        finished = prepare(out, plan)
        if finished:
            report.say(f"{out} is finished already, with the same source and options.")
            return finished
        try:
            done = _write_shards(
                out, plan, opened, images, processes, report, max_rejected
            )
            return _commit(out, plan, opened, done)
        except OSError as error:
            raise disk_error(error, out / MANIFEST_FILE) from None


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
class _Done:
    shards: dict[str, Shard]  # by file name
    class_counts: dict[str, np.ndarray]  # by split
    rejections: list[Rejection]
    accumulator: Accumulator

    def add(self, result: ShardResult) -> None:
        self.shards[result.shard.file] = result.shard
        self.class_counts[result.split] += result.class_counts
        self.rejections += result.rejections
        if result.accumulator:
            self.accumulator.merge(result.accumulator)


def _write_shards(out, plan, source, images, processes, report, max_rejected) -> _Done:
    tasks = [ShardTask(str(out), shard, source.labels, images) for shard in plan.shards]
    counts = {s: np.zeros(len(source.labels), np.int64) for s in plan.splits}
    done = _Done({}, counts, [], Accumulator(images.size))
    with closing(pool.run(write_shard, tasks, processes, report.update)) as results:
        for result in results:
            done.add(result)
            if len(done.rejections) > max_rejected * plan.total:
                raise _too_many_rejected(out, plan, done, max_rejected)
    return done


def _too_many_rejected(out, plan, done, max_rejected) -> DatasetError:
    _write_rejections(out, done)
    (reason, times), *_ = Counter(r.reason for r in done.rejections).most_common(1)
    return DatasetError(
        f"Expected at most {max_rejected:.2%} of {plan.total:,} pictures to be bad, "
        f"{len(done.rejections):,} are so far ({reason}: {times:,}); "
        f"{out / REJECTED_FILE} names them. Repair or remove them, or "
        "raise --max-rejected; finished shards are kept."
    )


def _commit(out: Path, plan: Plan, source: Source, done: _Done) -> Manifest:
    if not done.accumulator.count:
        raise DatasetError(f"Expected training pictures in {source.location}: none.")
    manifest = _manifest(plan, source, done)
    write_labels(out, source.labels)
    _write_rejections(out, done)
    done.accumulator.statistics().save(out / STATISTICS_FILE)
    write_tfds_metadata(
        out,
        name=plan.name,
        labels=source.labels,
        shard_records={s: [x.records for x in v] for s, v in manifest.splits.items()},
        split_bytes={s: sum(x.bytes for x in v) for s, v in manifest.splits.items()},
        size=manifest.image_size,
    )
    manifest.save(out)  # last: its presence says that the rest is there
    finish(out)
    return manifest


def _write_rejections(out: Path, done: _Done) -> None:
    rejections = sorted(done.rejections, key=lambda rejection: rejection.file)
    lines = [json.dumps(rejection.to_json()) + "\n" for rejection in rejections]
    write_atomically(out / REJECTED_FILE, "".join(lines).encode())


def _manifest(plan: Plan, source: Source, done: _Done) -> Manifest:
    return Manifest(
        name=plan.name,
        source=source.location,
        options=plan.options,
        fingerprint=plan.fingerprint,
        labels=source.labels,
        synsets=tuple(synset(name) for name in source.labels),
        label_offset=0,
        splits={
            split: tuple(done.shards[s.file] for s in plan.shards if s.split == split)
            for split in plan.splits
        },
        class_counts={s: tuple(c.tolist()) for s, c in done.class_counts.items()},
        rejected=len(done.rejections),
        ignored=len(source.ignored),
        image_size=plan.options["size"],
        written_with=codec_versions(),
    )
