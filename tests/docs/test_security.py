"""What SECURITY.md says is done is what the code does, and a test holds it."""

import re
from pathlib import Path

import pytest

from keras_alexnet.weights.foreign import MOST_BYTES, MOST_NUMBERS
from tfrecords.images.decode import MAX_PIXELS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "SECURITY.md").read_text()
TABLE = [line for line in TEXT.splitlines() if line.startswith("| ")]
ROWS = [line.strip("| ").split(" | ") for line in TABLE[2:]]


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_each_row_names_tests_that_are_there(row):
    assert len(row) == 3
    named = re.findall(r"`(tests/[^:`]*)(?:::(\w+))?`", row[2])
    assert len(named) == row[2].count("`") / 2
    for file, test in named:
        names = re.findall(r"def (test_\w+)", (ROOT / file).read_text())
        assert names and (not test or test in names), (file, test)


def test_numbers_are_those_of_the_code():
    assert f"{MOST_BYTES:,} bytes a file, and {MOST_NUMBERS:,} numbers" in TEXT
    assert f"{MAX_PIXELS:,} pixels" in TEXT


def test_pages_and_their_headings_are_there():
    found = re.findall(r"\[docs/\w+\.md\]\((docs/\w+\.md)\), \"([^\"]+)\"", TEXT)
    assert len(found) == 2
    for page, heading in found:
        assert heading in (ROOT / page).read_text()
