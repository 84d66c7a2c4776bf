"""Where pictures come from: one file per kind of source."""

from pathlib import Path

from tfrecords.errors import DatasetError
from tfrecords.sources.digits import open_digits
from tfrecords.sources.folder import open_folder
from tfrecords.sources.sample import Sample, Source

__all__ = ["KINDS", "Sample", "Source", "open_source"]

KINDS = ("folder", "digits")


def open_source(path_or_name: Path | str, kind: str | None = None) -> Source:
    """List a source's pictures and classes; no picture is read.

    Args:
        path_or_name: a folder, or `digits`. A folder of that name is `./digits`.
        kind: one of `KINDS`; None lets the content tell.

    Raises:
        DatasetError: there is no such source, or it is not of that kind.
    """
    if kind is None:
        kind = "digits" if str(path_or_name) == "digits" else "folder"
    if kind == "digits":
        return open_digits()
    if kind == "folder":
        return open_folder(Path(path_or_name))
    known = ", ".join(KINDS)
    raise DatasetError(f"Expected a source of kind {known}; got {kind!r}.")
