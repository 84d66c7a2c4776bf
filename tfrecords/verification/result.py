"""What `verify` found."""

import json
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class VerifiedSplit:
    """What one split holds.

    Attributes:
        shards: files that the manifest lists.
        records: good records read.
        bytes: length of the shards.
        classes: labels with at least one record.
        class_counts: good records by label.
        duplicates: pictures that are byte-equal to an earlier one of the split.
        leaks: pictures that are in another split too.
    """

    shards: int
    records: int
    bytes: int
    classes: int
    class_counts: tuple[int, ...]
    duplicates: int
    leaks: int


@dataclass
class Verification:
    """What `verify` found.

    Attributes:
        directory: the dataset folder.
        problems: what is wrong, one line each; none means that all is proved.
        notes: what is worth knowing but does not make the dataset wrong.
        splits: what was read of each split.
        leaks: different pictures that are in more than one split.
        fail_on_leaks: whether leaks count as problems.
    """

    directory: str
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    splits: dict[str, VerifiedSplit] = field(default_factory=dict)
    leaks: int = 0
    fail_on_leaks: bool = False

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    @property
    def counts(self) -> dict[str, int]:
        """Good records read, by split."""
        return {name: split.records for name, split in self.splits.items()}

    @property
    def duplicates(self) -> int:
        """Pictures that are byte-equal to an earlier one of their split."""
        return sum(split.duplicates for split in self.splits.values())

    def to_json(self) -> str:
        """Write all of it as a JSON object."""
        summary = {"ok": self.ok, "counts": self.counts, "duplicates": self.duplicates}
        return json.dumps({**summary, **asdict(self)}, indent=1)
