"""The scripts that reproduce the paper name experiments that there are."""

import re
import subprocess

import pytest

from keras_alexnet.reproduction import EXPERIMENTS
from tests.source_tree import ROOT

SCRIPTS = sorted((ROOT / "scripts" / "reproduce").glob("*.sh"))


def named(path):
    """The experiments that a script runs."""
    text = path.read_text().replace("\\\n", " ")
    lists = re.findall(
        r"for experiment in ([^;$]+);|experiments=\(([a-z][^)]*)\)", text
    )
    words = {word for pair in lists for each in pair for word in each.split()}
    return words | {*re.findall(r"reproduce ([a-z][\w-]*) ", text)}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_runs_experiments_and_asks_for_its_arguments(path):
    assert named(path) and named(path) <= {*EXPERIMENTS}
    done = subprocess.run(["bash", path], capture_output=True, text=True)
    assert done.returncode != 0 and "is missing" in done.stderr


def test_every_experiment_has_its_script():
    assert set().union(*map(named, SCRIPTS)) == {*EXPERIMENTS}


def test_a_gpu_takes_experiments_in_turn_until_its_time_is_over(tmp_path):
    program = tmp_path / "alexnet"
    program.write_text(
        '#!/bin/bash\necho "$@" >> "$(dirname "$0")/asked"\n'
        'mkdir -p "$4/runs/a-0"; echo epoch > "$4/runs/a-0/history.csv"\n'
        "[[ $2 != overlap ]]\n"
    )
    program.chmod(0o755)
    script = ROOT / "scripts" / "reproduce" / "gpu.sh"
    out = tmp_path / "out"
    words = ["bash", script, "cifar", "photos", out, "1", "overlap", "lrn"]
    words += ["towers", "imagenette"]
    environment = {"PATH": "/usr/bin:/bin", "ALEXNET": str(program)}
    environment["PHOTO_OPTIONS"] = "--epochs 3"
    done = subprocess.run(words, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and "overlap: not finished, status 1" in done.stderr
    assert (tmp_path / "asked").read_text().splitlines() == [
        f"reproduce overlap photos {out} --epochs 3",
        f"reproduce lrn cifar {out}",
        f"reproduce towers photos {out} --epochs 3",
        f"reproduce imagenette photos {out} --cache",
    ]
    packed = subprocess.run(
        ["tar", "-tzf", out / "results.tar.gz"], capture_output=True, text=True
    )
    assert packed.stdout.split() == ["./runs/a-0/history.csv"]
    words[5] = "0"
    subprocess.run(words, env=environment, check=True)
    assert len((tmp_path / "asked").read_text().splitlines()) == 4


def test_processes_share_a_gpu_and_photos_have_options(tmp_path):
    program = tmp_path / "alexnet"
    program.write_text('#!/bin/bash\necho "$@" >> "$(dirname "$0")/asked"\n')
    program.chmod(0o755)
    script = ROOT / "scripts" / "reproduce" / "gpu.sh"
    words = ["bash", script, "cifar", "photos", tmp_path, "1", "towers", "relu"]
    environment = {"PATH": "/usr/bin:/bin", "ALEXNET": str(program)}
    environment |= {"PROCESSES": "2", "PHOTO_OPTIONS": "--epochs 12 --cache"}
    subprocess.run(words, env=environment, check=True)
    both = [
        f"reproduce towers photos {tmp_path} --epochs 12 --cache",
        f"reproduce relu cifar {tmp_path}",
    ]
    # Two at once, and one for what the two left to each other.
    assert sorted((tmp_path / "asked").read_text().splitlines()) == sorted(both * 3)
