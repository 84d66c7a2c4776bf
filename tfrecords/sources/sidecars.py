"""Files that cameras, phones and photo programs write beside a picture."""

import os
from collections.abc import Iterable

_SUFFIXES = {
    *(".json", ".xmp", ".aae", ".txt", ".xml", ".yaml", ".yml", ".csv", ".ini"),
    *(".thm", ".pp3", ".dop", ".on1", ".cos", ".caption", ".md", ".html"),
    *(".mov", ".mp4", ".wav"),  # a moving photo's film, a spoken note
}
_DOCUMENTS = _SUFFIXES | {
    *(".jsonl", ".tsv", ".xlsx", ".xls", ".ods", ".mat", ".m", ".py", ".ipynb"),
    *(".pdf", ".htm", ".log", ".npy", ".npz", ".pkl", ".h5", ".parquet", ".zip"),
    *(".gz", ".tgz", ".7z", ".rar", ".sh", ".names", ".cfg", ".toml", ".doc"),
    *(".docx", ".rst", ".bib", ".db", ".sqlite", ".url", ".lnk", ".sha256", ".md5"),
}
_PLAIN_DOCUMENTS = {"readme", "license", "licence", "copying", "citation", "changelog"}


def sidecars(names: Iterable[str]) -> frozenset[str]:
    """Return the files of one folder that belong to a picture beside them.

    `a.xmp` and `a.jpg.json` belong to `a.jpg`. What has no picture of its name beside
    it is no sidecar, and is left for the build to judge by its content.

    Args:
        names: of all files in the folder.
    """
    names = list(names)
    found = [name for name in names if _suffix(name) in _SUFFIXES]
    if not found:
        return frozenset()
    pictures = {name.lower() for name in names if _suffix(name) not in _SUFFIXES}
    owners = pictures | {os.path.splitext(name)[0] for name in pictures}
    return frozenset(name for name in found if _owners(name.lower()) & owners)


def is_document(name: str) -> bool:
    """Tell whether a file's name says that it is no picture."""
    return _suffix(name) in _DOCUMENTS or name.lower() in _PLAIN_DOCUMENTS


def _suffix(name: str) -> str:
    return name[name.rfind(".") :].lower() if "." in name else ""


def _owners(name: str) -> set[str]:
    # a.jpg.supplemental-metadata.json is a.jpg's, as a.json is.
    stem = os.path.splitext(name)[0]
    return {stem, os.path.splitext(stem)[0]} - {""}
