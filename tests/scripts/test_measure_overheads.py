import json
import subprocess
import sys
from pathlib import Path

import pytest
from measure_overheads import CheckpointCost, Overhead, cost_table, overhead

from tests import small

SCRIPT = Path(__file__).parents[2] / "scripts" / "measure_overheads.py"


def test_an_overhead_is_the_median_of_ratios_of_the_same_round():
    # The machine was twice as slow in the second round.
    found = overhead("towers", [1.02, 2.2, 1.0], [1.0, 2.0, 1.0])
    assert found == Overhead(
        "towers", pytest.approx(1.02), pytest.approx([1.02, 1.1, 1.0]), 1020.0, 1000.0
    )


def test_the_cost_of_a_checkpoint_is_shown_with_its_part_of_an_epoch():
    table = cost_table(CheckpointCost(489.6, 0.31, 4.26, 1.5, [1.4, 1.5, 9.0], 0.0117))
    cells = [cell for column in table.columns for cell in column.cells]
    assert cells == ["490 MB", "0.31 s", "4.26 s", "1.50 s", "1.17%"]


@pytest.mark.slow
def test_a_small_network_is_measured(tmp_path):
    sizes = ["--input-size", small.INPUT, "--units", 16, "--batch-size", 4]
    rounds = ["--rounds", 1, "--round-steps", 1, "--save-steps", 2]
    command = [sys.executable, SCRIPT, *sizes, *rounds, "--json", tmp_path / "o.json"]
    subprocess.run([str(part) for part in command], check=True, cwd=SCRIPT.parents[1])
    found = json.loads((tmp_path / "o.json").read_text())
    assert [o["strategy"] for o in found["overheads"]] == [
        *("mirrored, one replica", "towers, one device"),
    ]
    assert all(o["ratio"] > 0 for o in found["overheads"])
    cost = found["checkpoint"]
    # Two numbers of 4 bytes for each of 2.4 million weights.
    assert cost["megabytes"] == pytest.approx(19.0, rel=0.1)
