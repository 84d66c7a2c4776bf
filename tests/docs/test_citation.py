"""CITATION.cff is of the Citation File Format 1.2.0, and of this release."""

import configparser
import re
from pathlib import Path

from keras_alexnet.version import VERSION

ROOT = Path(__file__).parents[2]
# Of the format's schema: what has to be there, and what else may, as far as it is used.
NEEDED = {"authors", "cff-version", "message", "title"}
ALLOWED = {*NEEDED, "abstract", "license", "references", "type", "version"}
REFERENCE_NEEDED = {"authors", "title", "type"}
REFERENCE_ALLOWED = {
    *(*REFERENCE_NEEDED, "collection-title", "volume", "year", "start", "end"),
    "publisher",
}


def parse(lines):
    """Read the YAML that the file is of: mappings, lists of them, plain scalars."""
    if lines[0].startswith("- "):
        starts = [n for n, line in enumerate(lines) if line.startswith("- ")]
        items = [
            lines[a:b] for a, b in zip(starts, [*starts[1:], len(lines)], strict=True)
        ]
        return [parse([line[2:] for line in item]) for item in items]
    found = {}
    while lines:
        key, value = re.fullmatch(r"([a-z-]+):(?: (\S.*))?", lines[0]).groups()
        inner = []
        for line in lines[1:]:
            if not line.startswith("  "):
                break
            inner.append(line[2:])
        lines = lines[1 + len(inner) :]
        assert key not in found and bool(inner) == (value is None)
        found[key] = parse(inner) if inner else plain(value)
    return found


def plain(value):
    """A scalar without quotes, which YAML takes as it stands."""
    assert not re.search(r": |\s#|^[\"'\[{&*!|>%@`-]", value), value
    return int(value) if value.isdecimal() else value


CITATION = parse((ROOT / "CITATION.cff").read_text().splitlines())


def test_it_has_the_keys_of_the_format():
    assert CITATION["cff-version"] == "1.2.0"
    assert {*CITATION} >= NEEDED and {*CITATION} <= ALLOWED
    for reference in CITATION["references"]:
        assert {*reference} >= REFERENCE_NEEDED
        assert {*reference} <= REFERENCE_ALLOWED


def test_it_is_of_this_package_and_release():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    about = setup["metadata"]
    assert CITATION["version"] == VERSION and CITATION["type"] == "software"
    for key, field in (("title", "name"), ("license", "license")):
        assert CITATION[key] == about[field]
    assert CITATION["abstract"].rstrip(".") == about["description"]
    assert CITATION["authors"] == [{"name": "keras-alexnet contributors"}]


def test_the_paper_is_the_paper():
    (paper,) = CITATION["references"]
    names = [author["family-names"] for author in paper["authors"]]
    assert names == ["Krizhevsky", "Sutskever", "Hinton"]
    assert (paper["type"], paper["year"], paper["volume"]) == (
        *("conference-paper", 2012, 25),
    )
    assert (paper["start"], paper["end"]) == (1097, 1105)
