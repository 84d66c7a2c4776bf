"""The table of docs/scaling.md of what grows is results/input/growth.json."""

from keras_alexnet.record import Record
from tests.source_tree import ROOT

PAGE = (ROOT / "docs" / "scaling.md").read_text()


def test_what_grows_with_the_pictures_is_what_was_measured():
    rows: dict[str, list[str]] = {}
    for figure in Record.load(ROOT / "results" / "input" / "growth.json").figures:
        what, _, count = figure.name.removesuffix(" pictures").rpartition(", ")
        digits = 0 if figure.value >= 100 else 1
        rows.setdefault(what, []).append(f"{figure.value:,.{digits}f} {figure.unit}")
    assert len(rows) == 10
    for what, cells in rows.items():
        assert f"| {what} | {' | '.join(cells)} |\n" in PAGE


def test_what_is_said_of_21841_classes_follows_from_the_shapes():
    head = 4097 * 21_841
    rest = 60_965_224 - 4097 * 1000  # docs/scaling.md, the layer table
    assert round(head / 1e6) == 89 and round((head + rest) / 1e6) == 146
    assert "fc8 has 89 of 146 million weights" in PAGE
    assert 8 * 21_841**2 == 3_816_234_248 and "3.8 GB of 21,841" in PAGE
