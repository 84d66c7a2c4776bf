import json
import sys
from pathlib import Path

import project_build
import pytest

OPTIONS = project_build.Options(Path("measured.json"))


def document():
    whole = [{"bytes_written": 26_000_000, "pictures": 1000}]
    rates = [300.0, 500.0, 410.0]
    rounds = [{"working_images_per_second": rate} for rate in rates]
    runs = [
        {"pictures": 1000, "peak_bytes": 1_590_000_000, "peak_processes": []},
        {
            "pictures": 10_000,
            "peak_bytes": 1_600_000_000,
            "peak_processes": [500_000_000, 560_000_000, 530_000_000, 10_000_000],
        },
    ]
    return {
        "processes": 2,
        "source": {"mean_pixels": 70_000.0},
        "builds": {"alexnet-2": {"whole": whole, "rounds": rounds}},
        "memory": {"runs": runs},
    }


def test_what_is_taken_from_a_measurement():
    measured = project_build.read_measured(document(), document())
    assert measured == project_build.Measured(
        processes=2,
        working_rate=410.0,
        mean_pixels=70_000.0,
        stored_bytes=26_000.0,
        pictures=10_000,
        parent=500_000_000,
        worker=560_000_000,
        growth=10_000_000 / 9000,
    )


def test_the_formulas():
    measured = project_build.read_measured(document(), document())
    found = project_build.project(measured, OPTIONS, 1_000_000, 16)
    rate = 410 / 2 * 16 / 2  # half, for photos of twice the pixels
    assert found["pictures_per_second"] == rate
    assert found["seconds"] == 1_000_000 / rate
    assert found["written"] == 26e9
    assert found["reads"] == rate * 110_000
    assert found["writes"] == rate * 26_000
    memory = 500e6 + 16 * 560e6 + 990_000 * 10_000_000 / 9000
    assert found["memory"] == pytest.approx(memory)


def test_smaller_photos_are_not_taken_to_be_faster():
    measured = project_build.read_measured(document(), document())
    options = project_build.Options(Path("x"), photo_pixels=1000, stored_bytes=40_000)
    found = project_build.project(measured, options, 1000, 2)
    assert found["pictures_per_second"] == 410
    assert found["written"] == 40e6
    assert found["memory"] == 500e6 + 2 * 560e6


def test_the_table_is_printed_and_written(tmp_path, monkeypatch, capsys):
    (tmp_path / "measured.json").write_text(json.dumps(document()))
    table = tmp_path / "table.md"
    assert run(monkeypatch, tmp_path / "measured.json", "--markdown", table) == 0
    lines = table.read_text().splitlines()
    assert lines[0] in capsys.readouterr().out
    assert lines[0].startswith("From: 410 pictures/s with 2 processes at 70,000 pixels")
    assert lines[2].count("|") == lines[3].count("|") == lines[4].count("|") == 9
    assert lines[4].startswith("| 1,331,167 | 2 | 205 | 1.8 | 35 | 23 | 5 | ")
    assert lines[-1].startswith("| 15,000,000 | 1,024 | 104,960 |")


def test_a_file_without_memory_is_refused_in_one_line(tmp_path, monkeypatch, capsys):
    broken = document()
    del broken["memory"]
    (tmp_path / "measured.json").write_text(json.dumps(broken))
    assert run(monkeypatch, tmp_path / "measured.json") == 1
    error = capsys.readouterr().err
    assert error.startswith("project_build: expected a file of")
    assert error.count("\n") == 1


def test_an_unknown_rate_is_refused():
    noisy = document()
    noisy["builds"]["alexnet-2"]["rounds"][1]["working_images_per_second"] = None
    with pytest.raises(ValueError, match="measure more pictures"):
        project_build.read_measured(noisy, noisy)


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["project_build.py", *map(str, arguments)])
    return project_build.main()
