"""One labelled picture of a source, before anything is read."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class Origin(Protocol):
    """Where a picture's bytes are; small, and picklable, so that a worker reads."""

    def read(self) -> bytes:
        """Read the picture's bytes; raises OSError where that fails."""
        ...


@dataclass(frozen=True, slots=True)
class FileOrigin:
    """A file of its own."""

    path: str

    def read(self) -> bytes:
        """Read the file."""
        return Path(self.path).read_bytes()


@dataclass(frozen=True, slots=True)
class BytesOrigin:
    """Bytes at hand, for sources of a few small pictures."""

    data: bytes

    def read(self) -> bytes:
        """Return the bytes."""
        return self.data


@dataclass(frozen=True, slots=True)
class Sample:
    """A picture and its class.

    Attributes:
        key: unique within the source; gives the order, and is the file name stored.
        label: 0-based place in the source's class order.
        split: `train`, `validation` or `test`; None leaves it to the plan.
        size: length in bytes.
        origin: where the bytes are.
    """

    key: str
    label: int
    split: str | None
    size: int
    origin: Origin


@dataclass(frozen=True)
class Source:
    """Everything that there is to build from.

    Attributes:
        kind: `folder` or `digits`.
        name: a dataset name that suits it.
        location: the folder, or the name of a built-in source.
        labels: class names in label order.
        samples: in order of key.
        ignored: paths that are not taken for pictures, such as `Thumbs.db`.
        validation_fraction: what the plan moves from training to validation unless
            the caller says otherwise.
        test_fraction: the same for test.
    """

    kind: str
    name: str
    location: str
    labels: tuple[str, ...]
    samples: tuple[Sample, ...]
    ignored: tuple[str, ...] = ()
    validation_fraction: float = 0.0
    test_fraction: float = 0.0
