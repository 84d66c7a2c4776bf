#!/usr/bin/env python
"""Try every export in a new environment that has its own runtime and nothing else.

    python scripts/benchmarks/fresh_environments.py NETWORK PICTURES [--json FILE]

In each the program of the export's model card names the same pictures, one after the
other; the likeliest class has to be that of `alexnet predict`. Needs pip and its index.
"""

import ast
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])  # profile.py here is not Python's

import tyro

from keras_alexnet import load
from keras_alexnet.commands.predict import list_pictures
from keras_alexnet.export import EXPORTERS
from keras_alexnet.export.pictures import export_pictures, use_pictures
from keras_alexnet.record import Figure, MeasureOptions, Record, run_as_script
from tfrecords.errors import UserError
from tfrecords.plain_text import say

ROOT = Path(__file__).parents[2]
AT_ONCE = 20  # pictures in a process: TensorFlow keeps each model that it has opened
# Runs in the new environment, in the folder of the export: the program of the card, for
# each picture as `picture.jpg`; prints a list of the first lines that it prints.
DRIVER = """
import contextlib, io, shutil, sys
program, lines = compile(open(sys.argv[1]).read(), "README.md", "exec"), []
for picture in sys.argv[2:]:
    shutil.copy(picture, "picture.jpg")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(program, {})
    lines.append(printed.getvalue().splitlines()[0])
print(lines)
"""


@dataclass(frozen=True)
class FreshOptions(MeasureOptions):
    """Try every export in a new environment that has its own runtime and no more."""

    network: tyro.conf.Positional[Path]  # run or network folder
    pictures: tyro.conf.Positional[Path]  # folder of pictures
    data: Path | None = None
    """Dataset folder of the network; None: that of the run."""
    count: int = 200
    """Pictures to name, spread evenly over those of the folder."""
    formats: tuple[str, ...] = tuple(EXPORTERS)
    """Formats to try."""


def measure(options: FreshOptions) -> Record:
    """Export, make an environment, run the card's program; one format at a time."""
    network = load(options.network)
    found = list_pictures([options.pictures])
    files = found[:: max(1, len(found) // options.count)][: options.count]
    figures = []
    with tempfile.TemporaryDirectory() as scratch:
        with use_pictures(export_pictures(network, data=options.data)):
            for name in options.formats:
                out = EXPORTERS[name](network, Path(scratch, name), views=1, top=5)
                figures.append(_tried(name, out, files))
                say(f"{name}: {figures[-1].value}, {figures[-1].beside}", error=True)
                shutil.rmtree(Path(scratch, name))
    title = "Exports in environments that have only their own runtime"
    return Record.now("formats", title, figures, options=asdict(options))


def _tried(name: str, out: Path, files: Sequence[Path]) -> Figure:
    expected = [answer.labels[0] for answer in load(out).predict(files)]
    card = (out / "README.md").read_text()
    (install,) = re.findall(r"`pip install (.*)`", card)
    (program,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    with tempfile.TemporaryDirectory() as folder:
        python = new_environment(Path(folder, "venv"), install.split())
        pictures = files[:1] if name == "safetensors" else files
        lines = [
            line
            for at in range(0, len(pictures), AT_ONCE)
            for line in run_program(python, program, out, pictures[at : at + AT_ONCE])
        ]
    if name == "safetensors":  # whose program reads the arrays, the first of them here
        return Figure(f"{name}: first line of the program", lines[0], "", install)
    same = sum(line.endswith(f" {e}") for line, e in zip(lines, expected, strict=True))
    beside = f"of {len(files)} pictures the class of `alexnet predict`; {install}"
    return Figure(f"{name}: same class", same, "pictures", beside)


def new_environment(folder: Path, packages: Sequence[str]) -> Path:
    """Return the Python of a new environment with these packages; ours is this tree."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    names = [str(ROOT) if name == "keras-alexnet" else name for name in packages]
    uv = shutil.which("uv")
    words = [uv, "pip", "install", "--python"] if uv else []
    words += [str(python), *([] if uv else ["-m", "pip", "install"]), "-q", *names]
    subprocess.run(words, check=True)
    return python


def run_program(
    python: Path, program: str, out: Path, pictures: Sequence[Path]
) -> list[str]:
    """Return the first line that a program prints of each picture.

    Raises:
        UserError: It fails; with its last line.
    """
    (out / "program.py").write_text(program)
    paths = [str(path.absolute()) for path in pictures]
    done = subprocess.run(
        [python, "-I", "-c", DRIVER, "program.py", *paths],
        cwd=out,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise UserError(f"The program of {out} failed: {done.stderr.splitlines()[-1]}")
    return ast.literal_eval(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    run_as_script(measure)
