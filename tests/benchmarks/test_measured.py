"""The page of all figures, and the files that it is made of."""

import json
import re

import pytest

from keras_alexnet.record import Figure, Record
from scripts.benchmarks.measured import PAGE, RESULTS, ROOT, SUBJECTS, lines
from tfrecords.errors import UserError

RECORDS = sorted(p for subject in SUBJECTS for p in (RESULTS / subject).glob("*.json"))
FIGURES = (Figure("ours", 33.42718, "images/s", "2.9 x"), Figure("peer", None))
RECORD = Record("step", "Steps", "alexnet a|b", None, {}, "2026-01-31", (), FIGURES)


def test_generating_the_page_again_changes_nothing():
    assert [*lines(RESULTS)] == PAGE.read_text().splitlines()


def test_each_figure_is_a_row_with_what_it_comes_from(tmp_path):
    (tmp_path / "step").mkdir()
    RECORD.save(tmp_path / "step" / "one.json")
    told = r"| `alexnet a\|b` | not known | [one](../results/step/one.json) |"
    assert f"| ours | 33.43 images/s | 2.9 x {told}" in lines(tmp_path)
    assert f"| peer | not measured |  {told}" in lines(tmp_path)


def test_a_subject_that_nobody_measured_is_left_out(tmp_path):
    (tmp_path / "step").mkdir()
    RECORD.save(tmp_path / "step" / "one.json")
    assert [line for line in lines(tmp_path) if line[:2] == "##"] == ["## Step"]


def test_a_record_in_another_subjects_folder_is_refused(tmp_path):
    (tmp_path / "fit").mkdir()
    RECORD.save(tmp_path / "fit" / "one.json")
    with pytest.raises(UserError, match="Expected a record of fit in .*, got 'step'"):
        list(lines(tmp_path))


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
        assert (ROOT / program[1]).exists()


def test_every_file_of_figures_is_a_record():
    others = {*RESULTS.rglob("*.json")} - {*RECORDS}
    assert [path.parent.name for path in others] == ["imagenette_released"]
    assert {*json.loads(RECORDS[0].read_text())} == {*RECORD.__dataclass_fields__}
