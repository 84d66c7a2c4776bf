"""The notebook docs/tour.ipynb: how it is kept, and that it runs."""

import ast
import os
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
TOUR = ROOT / "docs" / "tour.ipynb"
NOTEBOOK = nbformat.read(TOUR, as_version=4)
CODE = [cell for cell in NOTEBOOK.cells if cell.cell_type == "code"]
# Cells that draw, and how many pictures.
FIGURES = {
    **dict.fromkeys(("shares", "lrn-gain", "augment", "colour-axes"), 1),
    **dict.fromkeys(("colour-noise", "records", "mean", "curves", "responses"), 1),
    **{"kernels": 2, "predict": 1, "confusion": 1, "explain": 3, "views": 1},
}


def test_it_is_a_notebook_of_the_format_whose_cells_have_names():
    nbformat.validate(NOTEBOOK)
    assert (NOTEBOOK.nbformat, NOTEBOOK.nbformat_minor) == (4, 5)
    assert all(re.fullmatch("[a-z]+(-[a-z]+)*", cell.id) for cell in NOTEBOOK.cells)
    assert NOTEBOOK.metadata.kernelspec.name == "python3"


def test_it_is_kept_as_if_it_had_never_been_run():
    for cell in CODE:
        assert not cell.outputs and cell.execution_count is None, cell.id
    assert not any(cell.metadata for cell in NOTEBOOK.cells)
    # As Jupyter writes it, so that saving it again changes what was changed alone.
    text = nbformat.writes(NOTEBOOK)
    assert TOUR.read_text() == text.removesuffix("\n") + "\n"


def test_it_names_no_folder_of_a_machine():
    strings = [
        node.value
        for cell in CODE
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert strings
    assert not [text for text in strings if re.match(r"[/~]|[A-Za-z]:\\", text)]


def test_what_its_text_points_to_is_there():
    text = "\n".join(c.source for c in NOTEBOOK.cells if c.cell_type == "markdown")
    named = re.findall(r"`(docs/[\w.]+)`", text)
    assert len(named) >= 4
    assert all((ROOT / path).exists() for path in named)


@pytest.mark.slow
def test_it_runs_from_top_to_bottom(tmp_path):
    from nbclient import NotebookClient

    notebook = nbformat.read(TOUR, as_version=4)
    where = {"metadata": {"path": str(tmp_path)}}
    client = NotebookClient(notebook, kernel_name="python3", resources=where)
    # This tree, whatever is installed.
    client.execute(env={**os.environ, "PYTHONPATH": str(ROOT)})
    drawn = {cell.id: pictures(cell) for cell in notebook.cells}
    assert {name: count for name, count in drawn.items() if count} == FIGURES
    (export,) = [cell for cell in notebook.cells if cell.id == "export"]
    said = "".join(each.text for each in export.outputs if "text" in each)
    assert "the same answers as before" in said
    assert not [*tmp_path.iterdir()]


def pictures(cell):
    """Count the pictures that a cell drew."""
    return sum("image/png" in each.get("data", {}) for each in cell.get("outputs", []))
