import dataclasses
from pathlib import Path
from typing import Annotated, Any, get_args

import pytest
import tyro

from keras_alexnet.options import arguments_of, options_of


def measure(path: Path | str, *, rounds: int = 3, unit: str = "m", progress=True):
    """Measure something.

    Args:
        path: What is measured.
        rounds: How often; more
            are better.
        unit: Of the result.
        progress: Say so.
    """
    return path, rounds, unit, progress


@dataclasses.dataclass(frozen=True, kw_only=True)
class Own:
    """Measure and write."""

    json: Path | None = None
    """Write a file."""


Options: Any = options_of(Own, measure, path=tyro.conf.Positional[Path], unit=None)


def parsed(*arguments):
    return tyro.cli(Options, args=arguments)


def test_arguments_become_options_with_their_defaults():
    names = [field.name for field in dataclasses.fields(Options)]
    assert names == ["json", "path", "rounds"]
    assert parsed("a") == Options(path=Path("a"), rounds=3, json=None)
    assert parsed("a", "--rounds", "5", "--json", "f").rounds == 5


def test_an_argument_without_default_must_be_given(capsys):
    with pytest.raises(SystemExit):
        parsed()
    assert "PATH" in capsys.readouterr().err


def test_help_is_that_of_the_docstrings(capsys):
    with pytest.raises(SystemExit):
        parsed("--help")
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for text in ("Measure and write.", "How often; more are better.", "Write a file."):
        assert text in shown
    kind = {field.name: field.type for field in dataclasses.fields(Options)}["rounds"]
    assert get_args(kind)[0] is int and isinstance(kind, type(Annotated[int, 0]))


def test_options_go_back_to_the_function():
    options = parsed("a", "--rounds", "7", "--json", "f")
    assert arguments_of(measure, options) == {"path": Path("a"), "rounds": 7}
    assert measure(**arguments_of(measure, options)) == (Path("a"), 7, "m", True)
