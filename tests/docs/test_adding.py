"""The code in docs/adding.md, run as it stands there in a copy of the tree."""

import re
import shutil
from pathlib import Path

import numpy as np

from keras_alexnet import load
from tests.tools import fork_server

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "adding.md").read_text()
FILES = re.findall(r"The file, `(\S+)`:\n\n```python\n(.*?)```", TEXT, re.DOTALL)
LINES = re.findall(
    r"The line, in `(\w+)` of `(\S+)`:\n\n```python\n(.*?)```", TEXT, re.DOTALL
)
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
USES = [
    block for block in BLOCKS if block not in [code for *_, code in (*FILES, *LINES)]
]
PROGRAM = """
import os, sys
os.chdir({root!r})
sys.path.insert(0, {root!r})
import keras_alexnet
assert keras_alexnet.__file__.startswith({root!r}), keras_alexnet.__file__
{uses}
names = [layer.name for layer in model.layers]
print("norm1" in names, "conv1" in names, recipe.batch_size, written)
"""


def enter(root, table, path, line):
    """Add a line at the end of a table of names."""
    text = (root / path).read_text()
    place = text.index("    },\n", text.index(f"\n{table}: Registry"))
    (root / path).write_text(text[:place] + line + text[place:])


def test_a_preset_and_an_exporter_are_one_file_and_one_line_each(run, tmp_path):
    assert len(FILES) == len(LINES) == len(USES) == 2
    for package in ("keras_alexnet", "tfrecords"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    for path, code in FILES:
        assert not (tmp_path / path).exists()
        (tmp_path / path).write_text(code)
    for table, path, line in LINES:
        assert line.count("\n") == 1
        enter(tmp_path, table, path, line)
    (tmp_path / "run").symlink_to(run)
    program = PROGRAM.format(root=str(tmp_path), uses="\n".join(USES))
    done = fork_server.run(program)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["False", "True", "128", "model/network.npz"]
    network = load(run)
    arrays = np.load(tmp_path / "model" / "network.npz")
    assert arrays["labels"].tolist() == network.labels
    np.testing.assert_array_equal(arrays["mean"], network.preprocessing.mean)
    for weight in network.model.weights:
        np.testing.assert_array_equal(arrays[weight.path], weight.numpy())
    assert len(arrays.files) == len(network.model.weights) + 2


def test_the_tables_that_are_named_are_there():
    tables = re.findall(r"\| `([A-Z_]+)` in (?:`(\S+)/__init__.py`|the)", TEXT)
    files = re.findall(r"\| `(\S+)/NAME.py`", TEXT)
    assert len(tables) == len(files) == 5
    for (table, _), folder in zip(tables, files, strict=True):
        text = (ROOT / folder / "__init__.py").read_text()
        assert re.search(rf"^{table}\b", text, re.MULTILINE), table
