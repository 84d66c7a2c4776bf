"""Every row of docs/faults.md names tests that are there."""

import fnmatch
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = [
    line.strip("| ").split(" | ")
    for line in (ROOT / "docs" / "faults.md").read_text().splitlines()
    if line.startswith("| ")
][2:]


@pytest.mark.parametrize("row", ROWS, ids=[row[0][:40] for row in ROWS])
def test_a_row_has_a_case_before_and_after_and_tests_that_exist(row):
    assert len(row) == 4 and all(row)
    named = re.findall(r"`(tests/[^:`]*)(?:::([^`]*))?`", row[3])
    assert named
    for file, test in named:
        names = re.findall(r"def (test_\w+)", (ROOT / file).read_text())
        assert names and (not test or fnmatch.filter(names, test)), (file, test)
