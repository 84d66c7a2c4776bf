"""A measured run: its figures, and what they come from."""

import functools
import json
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, get_type_hints

import tyro

from keras_alexnet.machine import machine_facts, package_versions
from tfrecords.errors import UserError
from tfrecords.files import write_atomically
from tfrecords.plain_text import say
from tfrecords.ranges import check_count
from tfrecords.result_files import ResultFiles
from tfrecords.tables import Console, Table

_ROOT = Path(__file__).resolve().parents[1]
# `git archive` writes the commit here, as .gitattributes tells it to.
_ARCHIVED = "$Format:%H$"


@dataclass(frozen=True)
class Figure:
    """One number that was measured, or a word where there is none.

    Attributes:
        name: What was measured, `step, float32, 128 images`.
        value: The number; None where it was asked for and could not be had.
        unit: Of the value, such as `images/s`.
        beside: What it is compared with, in words; empty where it stands alone.
    """

    name: str
    value: float | int | str | None
    unit: str = ""
    beside: str = ""

    @property
    def text(self) -> str:
        """The value with its unit, four digits where it is no whole number."""
        value = self.value
        if value is None:
            return "not measured"
        if isinstance(value, float):
            value = f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"
        return f"{value} {self.unit}".rstrip()


@dataclass(frozen=True)
class Record:
    """A measured run, as a file of `results/SUBJECT/NAME.json` holds it.

    Attributes:
        subject: What kind of thing was measured: step, input, start and so on.
        title: What was measured, in one line.
        command: Command line that gave it.
        commit: Of the code, with `-dirty` if it was changed; None where nobody knows.
        machine: Processor, cores, memory, system, versions.
        date: Day, `2026-01-31`; None where nobody knows.
        notes: What has to be known beside the figures.
        figures: The figures, in order.
        options: All options of the run, those left at their defaults too.
    """

    subject: str
    title: str
    command: str
    commit: str | None
    machine: Mapping[str, Any]
    date: str | None
    notes: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def now(
        cls,
        subject: str,
        title: str,
        figures: Iterable[Figure],
        notes: Iterable[str] = (),
        options: Mapping[str, Any] | None = None,
    ) -> "Record":
        """Return the record of what this process has just measured.

        Args:
            subject: See the class, as for the others.
            title: What was measured.
            figures: The figures.
            notes: What has to be known beside them.
            options: Options; what JSON does not know becomes text. Of a path, also one
                that is text, the name is kept.
        """
        plain = json.loads(json.dumps(dict(options or {}), default=str))
        return cls(
            subject=subject,
            title=title,
            command=_command(sys.argv),
            commit=code_commit(),
            machine={**machine_facts(), **package_versions()},
            date=date.today().isoformat(),
            notes=tuple(notes),
            figures=tuple(figures),
            options=_named(plain),
        )

    @classmethod
    def load(cls, path: Path | str) -> "Record":
        """Read a record.

        Raises:
            UserError: The file is not there, or holds something else.
        """
        try:
            values = json.loads(Path(path).read_text())
            figures = tuple(Figure(**figure) for figure in values.pop("figures"))
            notes = tuple(values.pop("notes"))
            return cls(**values, notes=notes, figures=figures)
        except OSError as error:
            raise UserError(f"Cannot read {path}: {error.strerror}.") from None
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UserError(
                f"Expected the record of a measured run in {path}, got {error!r}. "
                "Measure again with --json."
            ) from None

    def save(self, path: Path) -> None:
        """Write it as JSON, whole or not at all.

        Raises:
            OSError: The disk is full or the folder is not writable.
        """
        write_atomically(path, (json.dumps(asdict(self), indent=1) + "\n").encode())

    def table(self) -> Table:
        """Return a row for each figure: name, value, what it is compared with."""
        table = Table("", "measured", "beside", title=self.title, title_justify="left")
        for figure in self.figures:
            table.add_row(figure.name, figure.text, figure.beside)
        return table

    def value(self, name: str) -> Any:
        """Return the value of the figure with this name.

        Raises:
            KeyError: There is none.
        """
        return {figure.name: figure.value for figure in self.figures}[name]


@dataclass(frozen=True, kw_only=True)
class MeasureOptions:
    """What every measurement can be asked for."""

    json: Path | None = None
    """Write the figures, and what they come from, to this file."""


def print_measured(
    measure: Callable[[Any], Record],
    arguments: Sequence[str] | None = None,
    prog: str | None = None,
) -> Record:
    """Read the options, measure, print the table, and write the file asked for.

    Whole numbers among the options count something, and are 1 or more.

    Args:
        measure: From its options, annotated, to a record.
        arguments: Of the command line; None takes this process's own.
        prog: Name for the help.

    Raises:
        UserError: An option is wrong, or the file could not be written.
    """
    options = tyro.cli(get_type_hints(measure)["options"], args=arguments, prog=prog)
    for name, value in vars(options).items():
        for each in value if isinstance(value, tuple) else (value,):
            if type(each) is int:
                check_count(name, each)
    files = ResultFiles(options.json)
    record = measure(options)
    Console().print(record.table())
    for note in record.notes:
        say(note)
    files.save(options.json, record.save)
    files.close()
    return record


def run_as_script(measure: Callable[[Any], Record]) -> None:
    """Do as `print_measured`, as a program of its own that ends with its status."""
    # As Ctrl-C does: what is running is ended, what was written is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        print_measured(measure)
    except (ValueError, RuntimeError, OSError) as error:
        say(f"{Path(sys.argv[0]).stem}: {error}", error=True)
        raise SystemExit(1) from None


@functools.cache
def code_commit() -> str | None:
    """Return the commit of this code, as `Record.commit` has it."""
    return _commit(_ROOT)


def _command(argv: list[str]) -> str:
    """Return a command line that can be given again in the root of the repository."""
    program = Path(argv[0]).resolve()
    words = [_short(word) for word in argv[1:]]
    if program.suffix != ".py" or program.name == "__main__.py":
        return shlex.join([program.name.replace("__main__.py", "alexnet"), *words])
    name = program.relative_to(_ROOT) if program.is_relative_to(_ROOT) else program
    if name.parts[0] == "tests":  # a package, of which this is a module
        return shlex.join(
            ["python", "-m", ".".join(name.with_suffix("").parts), *words]
        )
    return shlex.join(["python", str(name), *words])


def _short(word: str) -> str:
    # Folders of one machine say nothing to a reader elsewhere.
    path = Path(word)
    return path.name if path.is_absolute() else word


def _named(value: Any) -> Any:
    """Shorten every text within what JSON knows."""
    if isinstance(value, dict):
        return {key: _named(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_named(each) for each in value]
    return _short(value) if isinstance(value, str) else value


def _commit(root: Path, archived: str = _ARCHIVED) -> str | None:
    if not (root / ".git").exists():  # installed, or inside something of others
        return None if archived.startswith("$") else archived
    describe = ["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        git = ["git", "-C", str(root), *describe]
        done = subprocess.run(git, capture_output=True, text=True, check=True)
        return done.stdout.strip()
    except (OSError, subprocess.CalledProcessError):  # no git, or not this user's
        return None
