"""What stands under a figure: what it shows, and the command that made it."""

import shlex
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_alexnet.record import code_commit
from keras_alexnet.version import VERSION
from tfrecords.plain_text import printable

LINE, MARGIN = 0.15, 0.1  # inches: a line of a caption, and the space around it
_MOST_NAMES = 6  # of the paths that a command is shown with
_COMMIT_DIGITS = 10
_POINTS = 72  # in an inch


@dataclass(frozen=True)
class CaptionLine:
    """One line of a caption.

    Attributes:
        text: The line.
        size: Of its letters, in points.
        family: Of the font.
        colour: Of the letters.
    """

    text: str
    size: float
    family: str
    colour: str


@dataclass(frozen=True)
class Caption:
    """What stands under a figure.

    Attributes:
        text: What it shows, in sentences.
        made_by: The command and the code that made it.
    """

    text: str
    made_by: str

    @classmethod
    def of(
        cls,
        text: str,
        kind: str,
        paths: Sequence[Path | str],
        verb: str = "figures",
        **options: Any,
    ) -> "Caption":
        """Return the caption of a figure that a verb draws.

        Args:
            text: What it shows.
            kind: Name of the figure; empty where the verb has but one.
            paths: What it is drawn of. Only their names are shown, six at most.
            verb: Of the command line.
            options: By name; those that are None are left out.
        """
        names = [_name(path) for path in paths]
        shown = [shlex.quote(name) for name in names[:_MOST_NAMES]]
        if len(names) > _MOST_NAMES:
            shown.append(f"… and {len(names) - _MOST_NAMES} more")
        for name, value in options.items():
            if value is not None:
                value = _name(value) if isinstance(value, Path) else str(value)
                shown += [f"--{name.replace('_', '-')}", shlex.quote(value)]
        words = ["alexnet", verb, *([kind] if kind else []), *shown]
        command = printable(" ".join(words))
        return cls(printable(text), f"{command}  ({_code()})")

    def lines(self, width: float) -> list[CaptionLine]:
        """Return the lines of the caption of a figure that is `width` inches wide."""
        return [
            *_wrapped(self.text, width, 8, "sans-serif", "black", 0.53),
            *_wrapped(self.made_by, width, 6.5, "monospace", "0.35", 0.66),
        ]


def _wrapped(
    text: str, width: float, size: float, family: str, colour: str, letter: float
) -> list[CaptionLine]:
    """Break a text; a letter is `letter` of the size wide, on average."""
    letters = int((width - 2 * MARGIN) * _POINTS / (size * letter))
    broken = textwrap.wrap(text, max(letters, 1), break_on_hyphens=False)
    return [CaptionLine(line, size, family, colour) for line in broken]


def _name(path: Path | str) -> str:
    return Path(path).name or Path(path).absolute().name


def _code() -> str:
    commit = code_commit()
    if commit is None:
        return f"alexnet {VERSION}"
    digits, dirty, _ = commit.partition("-dirty")
    return f"alexnet {VERSION}, commit {digits[:_COMMIT_DIGITS]}{dirty}"
