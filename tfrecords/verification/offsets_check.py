"""Whether the places of the records, as they are kept, are those in the shards."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tfrecords.dataset.manifest import Manifest
from tfrecords.dataset.names import OFFSETS_FILE
from tfrecords.dataset.offsets import Offsets
from tfrecords.errors import DatasetError
from tfrecords.verification.shard_check import Finding


def check_offsets(
    directory: Path, manifest: Manifest, findings: Sequence[Finding]
) -> list[str]:
    """Say what is wrong with `offsets.npz`.

    A dataset of a release that did not write it has none, until its first use.

    Args:
        directory: The dataset folder.
        manifest: Of it.
        findings: Of all its shards.
    """
    path = directory / OFFSETS_FILE
    wanted = manifest.sha256.get(OFFSETS_FILE)
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return [f"{OFFSETS_FILE}: missing"] if wanted else []
    except OSError as error:
        return [f"{OFFSETS_FILE}: cannot be read: {error.strerror}"]
    if wanted not in (None, found):
        return [f"{OFFSETS_FILE}: SHA-256 differs from the manifest; remove it"]
    if any(finding.problem for finding in findings):
        return []  # the damaged shard is named already
    lengths = {finding.file: finding.lengths for finding in findings}
    fresh = Offsets.of_lengths(manifest, lengths)
    try:
        stored = Offsets.load(directory, manifest)
    except DatasetError as error:
        return [str(error)]
    wrong = [
        split
        for split in manifest.splits
        if not np.array_equal(stored.lengths[split], fresh.lengths[split])
    ]
    if not wrong:
        return []
    return [f"{OFFSETS_FILE}: not as in the shards of {', '.join(wrong)}; remove it"]
