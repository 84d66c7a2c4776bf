"""Whether the pictures of a source are still those that were read."""

import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from tfrecords.building.plan import Plan, PlannedShard
from tfrecords.dataset.manifest import Contents, Manifest
from tfrecords.errors import DatasetError
from tfrecords.images import decode
from tfrecords.images.decode import Rejected
from tfrecords.sources import Sample

_READERS = 8  # threads; a file server answers late, but many at once
_UNREAD = bytes(hashlib.sha256().digest_size)


class Reading:
    """Reads pictures, one after another, and notes what was read.

    Attributes:
        parts: of each picture the state of its file and the SHA-256 of its bytes.
    """

    def __init__(self):
        self.parts: list[tuple[bytes, bytes]] = []

    def read(self, sample: Sample) -> bytes:
        """Give a picture's bytes.

        Raises:
            Rejected: it is too large or cannot be read.
        """
        # The state first: a file that is written to after that is compared next time.
        state = _state(sample)
        digest = _UNREAD
        try:
            data = _read(sample)
            digest = hashlib.sha256(data).digest()
        finally:
            self.parts.append((state, digest))
        return data


def _read(sample: Sample) -> bytes:
    if sample.size > decode.MAX_BYTES:
        raise decode.too_many_bytes(sample.size)
    try:
        return sample.origin.read()
    except OSError as error:
        raise Rejected("unreadable", error.strerror or str(error)) from None


def _state(sample: Sample) -> bytes:
    return f"{sample.origin.state()}\n".encode()


def sum_up(parts: Iterable[tuple[bytes, bytes]]) -> Contents:
    """Make one digest of states and one of contents, in the order of the pictures."""
    state, content = hashlib.sha256(), hashlib.sha256()
    for one_state, one_content in parts:
        state.update(one_state)
        content.update(one_content)
    return Contents(content.hexdigest(), state.hexdigest())


class Comparison:
    """Compares pictures with those that were read for shards.

    Files are read only where one of a shard's was touched since.

    Args:
        say: takes a line for the user, before the first are read.
    """

    def __init__(self, say: Callable[[str], None]):
        self._say = say
        self._told = False

    def contents(self, shard: PlannedShard, before: Contents) -> Contents | None:
        """Give what a shard's pictures are now; None if one of them is another."""
        state = hashlib.sha256(b"".join(map(_state, shard.samples))).hexdigest()
        if state == before.state:
            return before
        if not self._told:
            self._say("Files of the source were touched since: comparing contents.")
            self._told = True
        with ThreadPoolExecutor(_READERS) as readers:
            now = sum_up(readers.map(_look, shard.samples))
        return now if now.sha256 == before.sha256 else None


def _look(sample: Sample) -> tuple[bytes, bytes]:
    reading = Reading()
    with suppress(Rejected):
        reading.read(sample)
    return reading.parts[0]


def check_finished(
    out: Path, manifest: Manifest, plan: Plan, say: Callable[[str], None]
) -> Manifest:
    """Make sure that a finished dataset was built from the pictures of today.

    Where files were touched but are what they were, the manifest takes their state of
    now, so that they are read but once.

    Args:
        out: the dataset folder.
        manifest: its manifest.
        plan: what it was built by.
        say: takes a line for the user.

    Returns:
        The manifest as it is then.

    Raises:
        DatasetError: a picture was replaced.
    """
    finished = f"{out} is finished already, with the same source and options."
    if not {shard.file for shard in plan.shards} <= set(manifest.contents):
        say(
            f"{finished} Names and lengths of the pictures were compared, not their "
            "contents, of which its manifest, an older one, says nothing. If some were "
            f"replaced, remove {out} and run the same command again."
        )
        return manifest
    comparison = Comparison(say)
    found = {
        shard.file: comparison.contents(shard, manifest.contents[shard.file])
        for shard in plan.shards
    }
    changed = [shard for shard in plan.shards if found[shard.file] is None]
    if changed:
        raise DatasetError(
            f"{out} is a finished dataset, but pictures of {manifest.source} were "
            f"replaced since{_newest(changed)}; {len(changed):,} of {len(found):,} "
            f"shards are out of date. Remove {out} and run the same command again, or "
            "choose another folder."
        )
    say(finished)
    contents = {file: now for file, now in found.items() if now}
    if contents != manifest.contents:
        manifest = replace(manifest, contents=contents)
        with suppress(OSError):  # a folder that is read-only is finished all the same
            manifest.save(out)
    return manifest


def _newest(shards: Iterable[PlannedShard]) -> str:
    # Digests of single pictures are not kept; who was written last is a good hint.
    samples = [sample for shard in shards for sample in shard.samples]
    newest = max(sample.origin.state() for sample in samples)
    names = [sample.key for sample in samples if sample.origin.state() == newest]
    return f" (last written: {names[0]})" if len(names) == 1 else ""
