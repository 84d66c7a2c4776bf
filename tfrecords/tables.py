"""Tables and consoles of rich, to which all text is plain text.

Rich takes `[red]`, `[/b]` and `:smile:` in a name for markup of its own.
"""

from typing import Any

import rich.console
import rich.table

from tfrecords.plain_text import printable


class Console(rich.console.Console):
    """Rich's console without markup, emoji and highlighting."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)


class Table(rich.table.Table):
    """Rich's table of cells that show what they hold, each in one line."""

    def add_row(self, *cells: Any, **options: Any) -> None:
        """Add a row; see `tfrecords.plain_text.printable` for its cells."""
        super().add_row(*map(printable, cells), **options)
