"""The tables of docs/performance.md are those of results/step/roofline_*.json."""

import re

from keras_alexnet.record import Record
from tests.source_tree import ROOT

PAGE = (ROOT / "docs" / "performance.md").read_text()
# What the figure of a layer's pass has beside it.
BESIDE = re.compile(
    r"([\d.]+) GFLOP, (\d+) MB, at least ([\d.]+) ms by arithmetic, ([\d.]+) times that"
)


def records():
    folder = ROOT / "results" / "step"
    return [
        {figure.name: figure for figure in Record.load(folder / name).figures}
        for name in ("roofline_float32.json", "roofline_bfloat16.json")
    ]


def test_every_pass_of_every_layer_is_there():
    single, half = records()
    rows = [name for name, figure in single.items() if BESIDE.match(figure.beside)]
    assert len(rows) == 23  # three of eight layers, but for the gradient of the images
    for name in rows:
        operations, size, least, times = BESIDE.match(single[name].beside).groups()
        cells = [name, operations, size, f"{single[name].value:.0f}", least, times]
        _, _, *rest = BESIDE.match(half[name].beside).groups()
        cells += [f"{half[name].value:.0f}", *rest]
        assert f"| {' | '.join(cells)} |\n" in PAGE


def test_all_the_rest_is_there():
    single, half = records()
    rates = ("matrix product", "copy, read and written", "step")
    others = [
        n for n in single if n not in rates and not BESIDE.match(single[n].beside)
    ]
    assert len(others) == 10
    for name in others:
        row = f"| {name} | {single[name].value:.0f} | {half[name].value:.0f} |\n"
        assert row in PAGE


def test_what_is_said_of_them_follows_from_them():
    for record, arithmetic, alone in zip(
        records(), ("79", "68"), ("91", "89"), strict=True
    ):
        found = [BESIDE.match(figure.beside) for figure in record.values()]
        least = sum(float(match[3]) for match in found if match)
        step = record["step"].value
        norms = sum(
            f.value for n, f in record.items() if n.startswith("normalisations")
        )
        assert f"{100 * least / step:.0f}" == arithmetic
        assert f"{100 * least / (step - norms):.0f}" == alone
        assert f"{record['step'].value:,.0f}" in PAGE
    assert "is 79 % of the float32 step and 68 % of the bfloat16 one" in PAGE
    assert "are 91 and 89 %" in PAGE
