"""What the machine can do, measured beside the contestants."""

from typing import Any

from peers import targets
from peers.contestant import Contestant
from peers.environment import own_environment

MATRIX_OPERATIONS = 2 * 4096**3  # as `keras_alexnet.benchmark.operations` multiplies
READ_BYTES = 1 << 30


def limits(job: dict[str, Any]) -> list[Contestant]:
    """Return a matrix product of the job's precision, and reading memory."""
    amounts = {
        targets.MATRIX: ("matrix", MATRIX_OPERATIONS),
        targets.MEMORY: ("memory", READ_BYTES),
    }
    return [
        Contestant(
            name,
            own_environment(),
            "machine_limit.py",
            {**job, "limit": limit, "amount": amount},
            "limit",
            amount,
        )
        for name, (limit, amount) in amounts.items()
    ]
