import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests import small
from tests.reference import training_bound

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "compare_strategies.py"


@pytest.fixture(scope="module")
def script():
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("compare_strategies", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_distance_is_relative_to_the_largest_of_the_tensor(script, tmp_path):
    small_one, large = np.array([0.5, -1.0]), np.array([[100.0, 3.0]])
    np.savez(tmp_path / "a.npz", small=small_one, large=large)
    np.savez(tmp_path / "b.npz", small=small_one, large=large + [[0, 2]])
    np.savez(tmp_path / "c.npz", small=small_one + [0.25, 0], large=large + [[0, 2]])
    paths = [tmp_path / f"{name}.npz" for name in "abc"]
    assert script.distances(paths[0], paths[0]) == {"small": 0, "large": 0}
    found = script.distances(paths[0], paths[2])
    assert found == {"small": pytest.approx(0.25), "large": pytest.approx(0.02)}


def test_weights_that_diverged_are_no_comparison(script, tmp_path):
    np.savez(tmp_path / "a.npz", kernel=np.array([np.nan, 1.0]))
    with pytest.raises(SystemExit, match="diverged"):
        script.distances(tmp_path / "a.npz", tmp_path / "a.npz")


def test_tables_have_every_figure(script):
    differences = [
        script.Difference("towers", dropout, steps, steps * 1e-7, "fc8", 1e-8, 1.0)
        for dropout in ("off", "on")
        for steps in (10, 100)
    ]
    lines = script.markdown(script.difference_table(differences)).splitlines()
    assert lines[0].startswith("| strategy | dropout off, 10 steps | dropout off, 100")
    assert lines[2] == (
        "| towers | 1.0e-06, kernels 1.0e-08 | 1.0e-05, kernels 1.0e-08 "
        "| 1.0e-06, kernels 1.0e-08 | 1.0e-05, kernels 1.0e-08 |"
    )


def test_unknown_strategies_are_refused(script):
    with pytest.raises(SystemExit, match="expected strategies of none, .*got rings"):
        script.main(script.Options(Path("data"), strategies=("rings",)))


@pytest.mark.slow
def test_a_comparison_of_small_networks(dataset, tmp_path):
    options = ["--input-size", small.INPUT, "--units", 16, "--batch-size", 8]
    options += ["--steps", 2, 5]
    options += ["--strategies", "mirrored x2", "towers", "multiworker x2"]
    files = ["--json", tmp_path / "found.json", "--markdown", tmp_path / "found.md"]
    command = [sys.executable, SCRIPT, dataset, *options, *files]
    subprocess.run(
        [str(part) for part in command],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        timeout=1500,
    )
    found = json.loads((tmp_path / "found.json").read_text())
    assert len(found["differences"]) == 3 * 2 * 2
    # The terms of the layers: full filters, 16 units.
    terms = (11 * 11 * 3, 25 * 48, 9 * 256, 9 * 192, 9 * 192, 256, 16, 16)
    limit = training_bound("float32", terms, steps=5)
    for each in found["differences"]:
        assert 0 < each["difference"] < limit, each
    assert (tmp_path / "found.md").read_text().count("|") == 5 * 6
