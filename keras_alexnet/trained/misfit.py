"""What differs between the weights of a network and those that it is given."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tfrecords.errors import UserError
from tfrecords.tables import Console, Table

Shape = tuple[int, ...]
NOTHING = "nothing"


class Misfit(NamedTuple):
    """One tensor that is not as it should be; both sides as text for a table."""

    tensor: str
    expected: str
    received: str


class WeightsMisfit(UserError):
    """Weights that are not those of a network.

    Attributes:
        rows: All that is missing, left over or otherwise than it should be.
    """

    def __init__(self, message: str, rows: Sequence[Misfit]) -> None:
        super().__init__(message)
        self.rows = list(rows)


def shape_misfits(
    expected: Mapping[str, Shape], received: Mapping[str, Shape]
) -> list[Misfit]:
    """List every tensor that is missing or of another shape, then what is left over."""
    rows = [
        Misfit(name, str(shape), str(received.get(name, NOTHING)))
        for name, shape in expected.items()
        if received.get(name) != shape
    ]
    left = [name for name in received if name not in expected]
    return rows + [Misfit(name, NOTHING, str(received[name])) for name in left]


def print_misfits(rows: Sequence[Misfit]) -> None:
    """Print a table of them on standard output."""
    table = Table("tensor", "expected", "received")
    for row in rows:
        table.add_row(*row)
    Console().print(table)
