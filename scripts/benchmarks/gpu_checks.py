"""What commands of their own tell of a GPU: what it is, `fit`, towers, layer tests."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from keras_alexnet.record import Figure, Record
from scripts.benchmarks.aims import figures_of
from scripts.benchmarks.gpu_subjects import GpuSizes, gpu_aims
from scripts.benchmarks.gpu_turns import variables
from scripts.benchmarks.system import Subject, System
from scripts.benchmarks.system_process import ROOT

MOST_SECONDS = 90.0  # of a command
LIBRARIES = ("nvidia-", "torch", "triton")  # beginnings of the packages' names
Figures = Iterator[list[Figure]]  # all of a part so far, each time


@dataclass
class Checks:
    """Commands, each with the GPU to itself.

    Attributes:
        folder: Scratch, of a few hundred MB.
        sizes: How large all is.
        left: Tells how many seconds are left.
        machine: What `describe` found.
    """

    folder: Path
    sizes: GpuSizes
    left: Callable[[], float]
    machine: dict[str, Any]

    def command(self, *words: Any, **more: str) -> subprocess.CompletedProcess[str]:
        """Run Python with these words; `more` are variables.

        Raises:
            TimeoutExpired: It takes longer than a check may, or than is left.
        """
        return subprocess.run(
            [sys.executable, *map(str, words)],
            cwd=ROOT,
            env={**os.environ, **variables(), **more},
            capture_output=True,
            text=True,
            timeout=min(MOST_SECONDS, self.left()),
        )

    def written(self, *words: Any) -> tuple[Path, int]:
        """Run a command that writes a file of JSON; return its path and the status.

        Raises:
            RuntimeError: It wrote none; the text is its last line.
        """
        path = self.folder / "written.json"
        path.unlink(missing_ok=True)
        done = self.command("-m", *words, "--json", path)
        if not path.exists():
            raise RuntimeError(_last_line(done))
        return path, done.returncode

    def describe(self) -> Figures:
        """Note devices, driver and libraries."""
        facts = json.loads(self.written("keras_alexnet", "info")[0].read_text())
        packages = {each.name: each.version for each in metadata.distributions()}
        self.machine |= {"devices": facts["devices"], "driver": _driver()}
        self.machine |= {n: v for n, v in packages.items() if n.startswith(LIBRARIES)}
        found = [each for each in facts["devices"] if each["type"] == "GPU"]
        for gpu in found:
            capability = ".".join(map(str, gpu.get("compute_capability", ())))
            said = f"compute capability {capability}, driver {self.machine['driver']}"
            name = gpu.get("device_name", gpu["name"])
            yield [Figure(gpu["name"], name, "", said)]
        if not found:
            said = f"there is none; TensorFlow {facts['tensorflow']}"
            yield [Figure("GPU", None, "", said)]

    def fit(self) -> Figures:
        """Train on raw shards of pictures made here; judge it by the resident step."""
        sizes, tree, data = self.sizes, self.folder / "tree", self.folder / "data"
        write_pictures(tree, sizes.pictures)
        build = ("keras_alexnet", "build", tree, data, "--encoding", "raw")
        done = self.command("-m", *build)
        if done.returncode:
            raise RuntimeError(_last_line(done))
        fit = ("keras_alexnet", "benchmark", "fit", data, "--preset", "paper")
        fit += ("--precision", "mixed_bfloat16", "--batch-size", sizes.batch)
        record = Record.load(self.written(*fit, "--steps", sizes.steps)[0])
        rates = {"ours": "fit", "ours, step alone": "step alone"}
        systems = [
            System(name, Path(sys.executable), "", {}, seconds=[1 / record.value(rate)])
            for name, rate in rates.items()
        ]
        for system in systems:
            system.ratios = [system.seconds[0] / systems[0].seconds[0]]
        compared = Subject("fit", "mixed_bfloat16", sizes.batch, systems, (), {})
        others = [each for each in record.figures if each.name not in rates.values()]
        yield [*figures_of(compared, gpu_aims(sizes)), *others]

    def towers(self) -> Figures:
        """Take a step of two towers on the halves of the GPU."""
        sizes = {"batch-size": self.sizes.batch, "num-classes": self.sizes.classes}
        words = [word for name, n in sizes.items() for word in (f"--{name}", n)]
        path, status = self.written("scripts.benchmarks.gpu_towers", *words)
        told = json.loads(path.read_text())
        wrong = "; ".join(told["wrong"]) or "all is where it was planned"
        crossing = told["sums"]["exchanged"]
        yield [
            Figure("towers: exit status", status, "", wrong),
            Figure("towers: what crosses in a step", crossing, "bytes"),
        ]

    def layer_tests(self) -> Figures:
        """Run the tests of the layers, in float32 that is no TF32."""
        if importlib.util.find_spec("pytest") is None:
            raise RuntimeError("pytest is not installed")
        words = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=no", "-rfE")
        done = self.command(*words, self.sizes.tests, NVIDIA_TF32_OVERRIDE="0")
        told = _last_line(done)
        passed = re.search(r"(\d+) passed", told)
        if passed is None:
            raise RuntimeError(told)
        named = re.findall(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
        said = ", ".join([told, *named])
        yield [Figure("layer tests", int(passed[1]), "passed", said)]


def write_pictures(tree: Path, count: int) -> None:
    """Write a tree of smooth random pictures, 256 x 256, of two classes."""
    generator = np.random.default_rng(0)
    for number in range(count):
        path = tree / "ab"[number % 2] / f"{number:06d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = generator.integers(0, 256, (8, 8, 3), np.uint8)
        Image.fromarray(coarse).resize((256, 256)).save(path, compress_level=1)


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    lines = (done.stderr + done.stdout).strip().splitlines()
    return lines[-1] if lines else f"ended with {done.returncode} without a word"


def _driver() -> str | None:
    asked = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        told = subprocess.run(asked, capture_output=True, text=True, timeout=20).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    return told.strip().partition("\n")[0] or None
