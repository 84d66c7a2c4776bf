"""The tables of docs/performance.md are those of results/."""

import re

import pytest

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
    assert len(others) == 11
    for name in others:
        row = f"| {name} | {single[name].value:.0f} | {half[name].value:.0f} |\n"
        assert row in PAGE


def test_what_is_said_of_them_follows_from_them():
    for record, arithmetic, alone in zip(
        records(), ("88", "80"), ("94", "89"), strict=True
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
    assert "is 88 % of the float32 step and 80 % of the bfloat16 one" in PAGE
    assert "are 94 and 89 %" in PAGE


SHARE, OVER = "share of the matrix rate", "alexnet-1 over pillow"
STEP, INFERENCE = ("step/shares", "step"), ("inference/shares", "inference")
# Work -> record, figure. Of before the record's name ends in `_before`.
TABLE = {
    f"{kind}, {name}, {batch} images": (
        record,
        f"{kind}, {precision}, batch {batch}: {SHARE}",
    )
    for (record, kind), batches in ((STEP, (32, 128)), (INFERENCE, (64, 128)))
    for batch in batches
    for name, precision in (("float32", "float32"), ("bfloat16", "mixed_bfloat16"))
} | {
    "memory of a float32 step, over stock Keras": (
        "step/memory",
        "step, float32, batch 128: aim: ours: peak memory ≤ 1.00 × stock Keras's",
    ),
    "`raw` pipeline over libjpeg": ("input/raw_order", "pipeline over libjpeg"),
    "build, one core, over a Pillow loop": (
        "build/ratio",
        f"{OVER}, whole build, a core-second",
    ),
    "the same, starting left out": ("build/ratio", f"{OVER}, working, a core-second"),
}


def value(name, figure):
    return Record.load(ROOT / "results" / f"{name}.json").value(figure)


def shown(work, number):
    if work.startswith("`raw`"):
        return f"{number / 100:.2f} x"
    return f"{number:.2f} x" if number < 2 else f"{number:.0f} %"


@pytest.mark.parametrize("work", TABLE)
def test_before_and_after_are_what_was_measured(work):
    name, figure = TABLE[work]
    before, now = (value(name + end, figure) for end in ("_before", ""))
    assert f"| {work} | {shown(work, before)} | {shown(work, now)} | " in PAGE


def test_a_build_beside_a_loop_that_makes_as_much():
    other = "alexnet-1 over pillow-statistics"
    for work, part in (
        ("over one that makes statistics and hashes too", "whole build"),
        ("the same, starting left out", "working"),
    ):
        ratio = value("build/ratio", f"{other}, {part}, a core-second")
        assert f"{work} | not measured | {ratio:.2f} x | 1.00 x |" in PAGE
