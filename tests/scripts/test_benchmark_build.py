import json
import subprocess
import sys

import benchmark_build
import build_report
import numpy as np
import picture_trees
import pytest
import rival_builds
import tensorflow as tf
from PIL import Image, ImageOps

from tests import small
from tests.scripts.conftest import SCRIPTS


def row(pictures, wall, processor, peak=2_000_000):
    return {
        "pictures": pictures,
        "wall_seconds": wall,
        "processor_seconds": processor,
        "peak_bytes": peak,
        "bytes_written": 25_000 * pictures,
    }


def build(*whole):
    start = [row(100, 10.0, 8.0) for _ in whole]
    rounds = [build_report.rates(a, b) for a, b in zip(start, whole, strict=True)]
    return {"start": start, "whole": list(whole), "rounds": rounds}


def document():
    builds = {
        "alexnet-1": build(row(1100, 30.0, 28.0), row(1100, 20.0, 18.0)),
        "alexnet-2": build(row(1100, 20.0, 28.0), row(1100, 14.0, 18.0)),
        "pillow": build(row(1100, 35.0, 33.0), row(1100, 30.0, 28.0)),
        "tfds-resized": build(row(1100, 60.0, 58.0), row(1100, 60.0, 58.0)),
        "tfds-copied": build(row(1100, 12.0, 9.0), row(1100, 12.0, 9.0)),
    }
    return {
        "command": "python scripts/benchmark_build.py imagenette out",
        "machine": {"processor": "Abacus", "cores": 2},
        "source": {"pictures": 1100, "mean_pixels": 50_000.0, "mean_bytes": 12_000.0},
        "processes": 2,
        "builds": builds,
        "ratios": build_report.ratios(builds, 2),
        "memory": {
            "processes": 2,
            "runs": [
                {"pictures": 1100, "peak_bytes": 10**9, "memory_kind": "PSS"},
                {"pictures": 11000, "peak_bytes": 1.02 * 10**9, "memory_kind": "PSS"},
            ],
        },
    }


def test_rates_of_the_whole_and_of_each_further_picture():
    found = build_report.rates(row(100, 10.0, 8.0), row(1100, 20.0, 13.0))
    assert found == {
        "images_per_second": 55.0,
        "images_per_core_second": 1100 / 13,
        "working_images_per_second": 100.0,
        "working_images_per_core_second": 200.0,
    }


def test_rates_that_are_noise_are_unknown_and_the_rest_is_told():
    noisy = document()
    noisy["builds"]["pillow"] = build(row(1100, 9.0, 9.0), row(1100, 30.0, 28.0))
    noisy["ratios"] = build_report.ratios(noisy["builds"], 2)
    assert noisy["ratios"]["working_processes"] == 2.25
    assert noisy["builds"]["pillow"]["rounds"][0]["working_images_per_second"] is None
    text = build_report.markdown(noisy)
    assert "alexnet-1 over pillow, per core: 1.02 x while working" in text
    rows = [line for line in text.splitlines() if line.startswith("| pillow ")]
    assert rows == ["| pillow | 79 | unknown | 525 | 19.5 | 18.5 | 2 | 25.0 |"]


def test_ratios_are_medians_of_ratios_within_a_round():
    found = document()["ratios"]
    assert found["working_processes"] == np.median([20 / 10, 10 / 4])
    assert found["processes"] == np.median([30 / 20, 20 / 14])
    assert found["working_pillow"] == np.median([25 / 20, 20 / 10])
    assert found["tfds-copied"] == np.median([9 / 28, 9 / 18])


def test_markdown_holds_every_build_and_both_memory_runs():
    text = build_report.markdown(document())
    assert text.startswith("`python scripts/benchmark_build.py imagenette out`: 1,100 ")
    rows = [
        line for line in text.splitlines() if line[0:1] == "|" and "---" not in line
    ]
    assert rows[1] == "| alexnet-1 | 46 | 75 | 75 | 25.0 | 23.0 | 2 | 25.0 |"
    assert {row.split()[1] for row in rows[1:6]} == document()["builds"].keys()
    assert rows[-2:] == [
        "| 1,100 | 1,000 | PSS | 1.000 |",
        "| 11,000 | 1,020 | PSS | 1.020 |",
    ]
    assert "- 2 processes over 1: 2.25 x while working" in text


def test_trees_hold_the_pictures_of_a_source_and_copies_of_them(tmp_path):
    pictures = picture_trees.copy_pictures("digits", tmp_path / "copied", 40)
    assert len(pictures) == 40
    assert len({picture.class_name for picture in pictures}) == 10
    tree = picture_trees.link_tree(pictures, tmp_path / "tree", copies=3)
    found = sorted(path.read_bytes() for path in tree.glob("*/*"))
    assert found == sorted(3 * [picture.path.read_bytes() for picture in pictures])
    facts = picture_trees.describe(pictures)
    assert facts["mean_pixels"] == 64 and facts["classes"] == 10
    assert facts["mean_bytes"] == sum(map(len, found)) / 120


def test_scaled_pictures_have_the_pixels_and_the_shape(tmp_path):
    tree = small.write_tree(tmp_path / "tree", 2)  # 90 x 80
    pictures = picture_trees.copy_pictures(str(tree), tmp_path / "copied")
    scaled = picture_trees.scale_pictures(pictures, 20_000, tmp_path / "scaled")
    assert len(scaled) == 6
    with Image.open(scaled[0].path) as image:
        assert image.size == (150, 133)


def test_records_are_counted_by_their_lengths(tmp_path):
    path = tmp_path / "records"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for length in (0, 1, 5000):
            writer.write(bytes(length))
    assert benchmark_build.count_records(path) == 3


def examples(folder):
    files = [str(path) for path in folder.rglob("*tfrecord*") if path.is_file()]
    for record in tf.data.TFRecordDataset(files):
        yield tf.train.Example.FromString(record.numpy()).features.feature


def one(feature, key):
    return feature[key].bytes_list.value[0]


def test_the_pillow_rival_writes_the_squares_that_it_should(tmp_path):
    tree = small.write_tree(tmp_path / "tree", 2)
    rival_builds.main(["pillow", str(tree), str(tmp_path / "out")])
    found = list(examples(tmp_path / "out"))
    assert len(found) == 6
    for feature in found:
        name = one(feature, "image/class/text").decode()
        label = feature["image/class/label"].int64_list.value[0]
        assert small.CLASSES[label] == name
        path = tree / name / one(feature, "image/filename").decode()
        expected = ImageOps.fit(Image.open(path), (256, 256), Image.Resampling.BICUBIC)
        pixels = tf.io.decode_jpeg(one(feature, "image/encoded")).numpy()
        assert np.abs(pixels.astype(int) - np.asarray(expected)).mean() < 2


@pytest.mark.parametrize("name", ["tfds-copied", "tfds-resized"])
def test_the_tfds_rivals_write_every_picture(tmp_path, name):
    tree = small.write_tree(tmp_path / "tree", 2)
    rival_builds.main([name, str(tree), str(tmp_path / "out")])
    found = list(examples(tmp_path / "out"))
    assert len(found) == 6
    for feature in found:
        label = feature["label"].int64_list.value[0]
        path = tree / small.CLASSES[label] / one(feature, "image/filename").decode()
        resized = name == "tfds-resized"
        expected = rival_builds.square(path) if resized else path.read_bytes()
        assert one(feature, "image") == expected


def test_too_few_pictures_are_refused(tmp_path, monkeypatch, capsys):
    command = ["digits", str(tmp_path / "out"), "--limit", "20"]
    monkeypatch.setattr(sys, "argv", ["benchmark_build.py", *command])
    assert benchmark_build.main() == 1
    assert "Expected at least 256 pictures, digits" in capsys.readouterr().err
    assert list((tmp_path / "out").iterdir()) == []


# Writes a record of one byte for each picture, or for all but --skip of them.
FAKE = """
import struct, sys
from pathlib import Path
tree, out, skip = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
out.mkdir()
pictures = list(tree.glob("*/*"))[skip:]
(out / "x.tfrecord").write_bytes((struct.pack("<Q", 1) + b"CRC.xCRC.") * len(pictures))
"""


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Let all contenders be a program that starts fast; say how many it skips."""
    (tmp_path / "fake.py").write_text(FAKE)

    def use(skip):
        def command(tree, out):
            words = [tmp_path / "fake.py", tree, out, skip]
            return [sys.executable, *map(str, words)]

        names = ["alexnet-1", "alexnet-2", *build_report.RIVALS]
        all_of_them = {name: (f"fake {name}", command) for name in names}
        monkeypatch.setattr(benchmark_build, "contenders", lambda _: all_of_them)
        monkeypatch.setattr(benchmark_build, "_ours", lambda _: command)

    return use


def test_a_whole_measurement(tmp_path, monkeypatch, fake):
    fake(skip=0)
    figures, table = tmp_path / "figures.json", tmp_path / "table.md"
    words = ["digits", str(tmp_path / "out"), "--limit", "300", "--rounds", "2"]
    words += ["--memory-pictures", "40", "--memory-factor", "3", "--pixels", "400"]
    words += ["--json", str(figures), "--markdown", str(table)]
    monkeypatch.setattr(sys, "argv", ["scripts/benchmark_build.py", *words])
    assert benchmark_build.main() == 0
    found = json.loads(figures.read_text())
    assert found["source"]["pictures"] == 300
    assert found["source"]["mean_pixels"] == 400
    assert [row["pictures"] for row in found["builds"]["pillow"]["start"]] == [128, 128]
    assert [len(build["rounds"]) for build in found["builds"].values()] == [2] * 5
    assert [run["pictures"] for run in found["memory"]["runs"]] == [40, 120]
    assert found["builds"]["tfds-copied"]["whole"][0]["bytes_written"] == 300 * 17
    assert str(tmp_path) not in figures.read_text() + table.read_text()
    assert list((tmp_path / "out").iterdir()) == []


def test_who_leaves_pictures_out_is_not_measured(tmp_path, monkeypatch, capsys, fake):
    fake(skip=1)
    words = ["digits", str(tmp_path / "out"), "--limit", "256"]
    monkeypatch.setattr(sys, "argv", ["scripts/benchmark_build.py", *words])
    assert benchmark_build.main() == 1
    assert "wrote 127 records of 128 pictures" in capsys.readouterr().err


@pytest.mark.slow
def test_everything_is_measured_and_projected(tmp_path):
    figures, table = tmp_path / "figures.json", tmp_path / "table.md"
    command = ["digits", str(tmp_path / "out"), "--rounds", "1", "--json", str(figures)]
    script = [sys.executable, str(SCRIPTS / "benchmark_build.py"), *command]
    subprocess.run([*script, "--memory-factor", "2"], check=True)
    found = json.loads(figures.read_text())
    assert found["command"].startswith("python scripts/benchmark_build.py digits out")
    assert str(tmp_path) not in figures.read_text()
    assert list(found["builds"]) == ["alexnet-1", "alexnet-2", *build_report.RIVALS]
    assert [run["pictures"] for run in found["memory"]["runs"]] == [1797, 3594]
    project = [sys.executable, str(SCRIPTS / "project_build.py"), str(figures)]
    subprocess.run([*project, "--markdown", str(table)], check=True)
    assert "| 1,331,167 | 64 |" in table.read_text()
