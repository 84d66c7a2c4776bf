import subprocess
import sys

import pytest

from scripts.benchmarks import features
from scripts.benchmarks.features import FeaturesOptions
from tests import small


def test_a_killed_command_is_gone(monkeypatch):
    started = []
    popen = subprocess.Popen
    monkeypatch.setattr(
        subprocess,
        "Popen",
        lambda *a, **k: started.append(popen(*a, **k)) or started[0],
    )
    features.kill([sys.executable, "-c", "import time; time.sleep(600)"], 0)
    assert started[0].returncode == -9


def test_no_number_is_unlike_plain_keras(run, tmp_path, monkeypatch):
    # Whole blocks of rows: what is left of one is added up otherwise with AVX2.
    monkeypatch.setattr(features, "BATCH_SIZES", (6, 12))
    tree = small.write_tree(tmp_path / "tree", per_class=4)
    found = features.bit_figures(run, sorted(tree.rglob("*.jpg")))
    assert [figure.value for figure in found] == [0, 0]


@pytest.mark.slow
def test_the_file_of_a_killed_run_is_the_same(run, tmp_path):
    tree = small.write_tree(tmp_path / "tree", per_class=100)
    found = features.measure(FeaturesOptions(run, tree, tmp_path / "out"))
    values = {figure.name: figure.value for figure in found.figures}
    assert values["pictures"] == 300
    assert values["killed in the middle and resumed"] == "the same bytes"
