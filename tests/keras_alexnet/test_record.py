import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
from datetime import date
from pathlib import Path

import pytest

from keras_alexnet.benchmark.step import StepOptions
from keras_alexnet.record import _ROOT, Figure, Record, _commit, print_measured
from tfrecords.errors import UserError
from tfrecords.result_files import ResultFiles
from tfrecords.tables import Console

FIGURES = (
    Figure("step", 34.609344, "images/s", "7.25 images/s, stock Keras"),
    Figure("pictures", 2048),
    Figure("[red]memory[/red]", None, "MB"),
)


@pytest.fixture
def record(monkeypatch):
    script = _ROOT / "scripts" / "benchmarks" / "compare.py"
    monkeypatch.setattr(sys, "argv", [str(script), "/x/step", "--only", "stock Keras"])
    options = {"data": Path("/b/a"), "sizes": (32, 128)}
    return Record.now("step", "Training steps", FIGURES, ["Two cores."], options)


def test_a_record_says_what_it_comes_from(record):
    command = "python scripts/benchmarks/compare.py step --only 'stock Keras'"
    assert record.command == command
    assert record.date == date.today().isoformat()
    assert record.machine["cores"] >= 1 and record.machine["tensorflow"]
    assert record.options == {"data": "a", "sizes": [32, 128]}
    assert record.value("step") == 34.609344
    with pytest.raises(KeyError):
        record.value("stop")


@pytest.mark.parametrize("program", ["/usr/bin/alexnet", "x/keras_alexnet/__main__.py"])
def test_our_command_has_one_name(monkeypatch, program):
    monkeypatch.setattr(sys, "argv", [program, "benchmark", "step"])
    assert Record.now("step", "", ()).command == "alexnet benchmark step"


def test_a_file_gives_the_same_record_and_the_documented_keys(record, tmp_path):
    path = tmp_path / "record.json"
    record.save(path)
    assert Record.load(path) == record
    assert sorted(json.loads(path.read_text())) == sorted(
        "subject title command commit machine date notes figures options".split()
    )
    files = ResultFiles(tmp_path / "new" / "record.json")  # as the verb writes it
    files.save(tmp_path / "new" / "record.json", record.save)
    files.close()
    assert (tmp_path / "new" / "record.json").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("text", [None, "{", "[]", "{}", '{"figures": [], "notes": 1}'])
def test_what_is_no_record_is_refused_in_one_line(tmp_path, text):
    path = tmp_path / "record.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError, match="record.json") as caught:
        Record.load(path)
    assert "\n" not in str(caught.value)


def test_a_table_has_a_row_for_each_figure(record):
    out = io.StringIO()
    Console(file=out, width=120).print(record.table())
    table = out.getvalue()
    for text in ("Training steps", "34.61 images/s", "7.25 images/s, stock Keras"):
        assert text in table
    assert "2048" in table and "[red]memory[/red]" in table and "not measured" in table


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.66667, "", "0.6667"),
        (12345.6, "B", "12346 B"),
        ("1:2", "", "1:2"),
        (7, "", "7"),
    ],
)
def test_figures_are_written_with_four_digits(value, unit, text):
    assert Figure("x", value, unit).text == text


@pytest.fixture
def git(tmp_path):
    """Call git in a folder of its own, `tmp_path`; return what it prints."""

    def call(*arguments, text=True):
        name = ("-c", "user.name=a", "-c", "user.email=a@b")
        done = subprocess.run(
            ["git", "-C", str(tmp_path), *name, *arguments],
            capture_output=True,
            text=text,
            check=True,
        )
        return done.stdout.strip() if text else done.stdout

    return call


def test_the_commit_is_that_of_the_code_and_tells_of_changes(tmp_path, git):
    assert _commit(tmp_path, "$Format:x$") is None
    git("init", "--quiet")
    assert _commit(tmp_path) is None  # there is no commit yet
    (tmp_path / "file").write_text("a")
    git("add", ".")
    git("commit", "--quiet", "-m", "a")
    git("tag", "-a", "v1", "-m", "a")
    assert _commit(tmp_path) == git("rev-parse", "HEAD")
    (tmp_path / "file").write_text("b")
    assert _commit(tmp_path) == git("rev-parse", "HEAD") + "-dirty"


def test_an_archive_of_the_code_knows_its_commit(tmp_path, git):
    module = Path("keras_alexnet", "record.py")
    for name in (module, ".gitattributes"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(_ROOT / name, tmp_path / name)
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "-m", "a")
    packed = git("archive", "HEAD", str(module.parent), text=False)
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        text = archive.extractfile(str(module)).read().decode()
    (line,) = re.findall("^_ARCHIVED = .*", text, re.MULTILINE)
    commit = git("rev-parse", "HEAD")
    assert line == f'_ARCHIVED = "{commit}"'
    assert _commit(tmp_path / "unpacked", commit) == commit


def test_numbers_in_lists_of_options_count_something(tmp_path):
    def measure(options: StepOptions) -> Record:
        raise AssertionError("a batch of no images was measured")

    with pytest.raises(UserError, match="batch_sizes >= 1, got 0"):
        print_measured(measure, ["--batch-sizes", "64,0"])


def test_no_text_of_an_option_names_a_folder_of_this_machine():
    given = {"source": "/b/a", "many": ["/c/d", "e/f"], "within": {"g": "/h/i"}}
    kept = Record.now("step", "Training steps", FIGURES, options=given).options
    assert kept == {"source": "a", "many": ["d", "e/f"], "within": {"g": "i"}}
