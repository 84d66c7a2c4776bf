import json
import os
import subprocess
import sys
from pathlib import Path

from tests.tfrecords.conftest import encoded, huge_png, noise

ROOT = Path(__file__).parents[2]


def run(folder, *options):
    script = ROOT / "scripts" / "troublesome_table.py"
    path = folder / "report.json"
    found = subprocess.run(
        [sys.executable, script, folder / "in", "--json", path, *options],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return found.returncode, json.loads(path.read_text()), found.stdout


def test_every_file_is_accounted_for(tmp_path):
    (tmp_path / "in" / "below").mkdir(parents=True)
    (tmp_path / "in" / "good.jpg").write_bytes(encoded(noise(90, 70)))
    (tmp_path / "in" / "below" / "huge.png").write_bytes(huge_png())
    status, report, printed = run(tmp_path)
    assert status == 0
    assert report["totals"] == {"converted": 1, "rejected": 1}
    huge, good = report["files"]
    assert huge["file"] == "below/huge.png" and huge["reason"].startswith("too_large")
    assert good["verdict"] == "converted" and good["difference"] < 5
    assert "2 files: 1 converted, 1 rejected" in printed


def test_a_child_that_dies_is_told_from_a_rejection(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "good.jpg").write_bytes(encoded(noise(90, 70)))
    status, report, _ = run(tmp_path, "--megabytes", "20")
    assert status == 1
    assert report["files"][0]["verdict"] in ("crashed", "out of memory")
