"""The page of all figures, and the files that it is made of."""

import json
import re
import shutil
from dataclasses import replace

import pytest

from keras_alexnet.record import Figure, Record
from scripts.benchmarks import measured
from tfrecords.errors import UserError

RESULTS = measured.ROOT / "results"
RECORDS = sorted(
    path for subject in measured.SUBJECTS for path in (RESULTS / subject).glob("*.json")
)
RECORD = Record(
    "step",
    "Steps",
    "alexnet a|b",
    "0123456789abcdef",
    {},
    "2026-01-31",
    figures=(Figure("ours", 33.42718, "images/s", "2.9 x"), Figure("peer", None)),
)


def test_generating_the_page_again_changes_nothing(tmp_path):
    shutil.copytree(RESULTS, tmp_path / "results")
    (tmp_path / "docs").mkdir()
    assert measured.main([str(tmp_path)]) == 0
    page = (tmp_path / measured.PAGE).read_text()
    assert page == (measured.ROOT / measured.PAGE).read_text()


def test_each_figure_is_a_row_with_what_it_comes_from(tmp_path):
    (tmp_path / "step").mkdir()
    RECORD.save(tmp_path / "step" / "one.json")
    told = r"| `alexnet a\|b` | 0123456789 | [one](../results/step/one.json) |"
    lines = measured.page(tmp_path).splitlines()
    assert f"| ours | 33.43 images/s | 2.9 x {told}" in lines
    assert f"| peer | not measured |  {told}" in lines
    assert "## Step" in lines and "## Input" not in lines


def test_a_record_in_another_subjects_folder_is_refused(tmp_path):
    (tmp_path / "fit").mkdir()
    RECORD.save(tmp_path / "fit" / "one.json")
    with pytest.raises(UserError, match="Expected a record of fit in .*, got 'step'"):
        measured.page(tmp_path)


def test_a_commit_that_nobody_knows_is_said():
    (line, _) = measured.rows(replace(RECORD, commit=None), "results/step/one.json")
    assert " | not known | " in line


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: "/".join(path.parts[-2:]))
def test_a_record_says_where_its_figures_come_from(path):
    record = Record.load(path)
    assert record.subject == path.parent.name and record.title and record.command
    assert re.fullmatch(r"[0-9a-f]{7,40}", record.commit)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", record.date)
    assert record.machine["processor"] and record.machine["cores"]
    names = [figure.name for figure in record.figures]
    assert names and len(names) == len(set(names))
    program = re.search(r"python (?:-m )?(\S+)", record.command)
    if program and "/" in program[1]:
        assert (measured.ROOT / program[1]).exists()


def test_every_file_of_figures_is_a_record():
    others = {*RESULTS.rglob("*.json")} - {*RECORDS}
    assert [path.parent.name for path in others] == ["imagenette_released"]
    assert {*json.loads(RECORDS[0].read_text())} == {*RECORD.__dataclass_fields__}
