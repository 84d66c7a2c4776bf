"""What README and docs/ quote of results/ is what was measured."""

import re
from pathlib import Path

import pytest

from keras_alexnet.record import Record

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
TABLE = [
    line.strip("| ").split(" | ")
    for line in README.split("## Measured\n")[1].split("\n## ")[0].splitlines()
    if line.startswith("| ")
][2:]
RUN, STEP = "reproduction/imagenette-imagenette-0", "step, float32, batch 128: ours"
# In the order of the README's table: record and figure.
IN_TABLE = [
    (RUN, "error, ten views"),
    (RUN, "error of the best epoch, centre view"),
    (RUN, "minutes of training"),
    ("step/float32", STEP),
    ("step/float32", "step, float32, batch 128: ours over PyTorch"),
    ("step/bfloat16", "step, mixed_bfloat16, batch 128: ours"),
    (
        "inference/peers",
        "inference, float32, batch 1: ours, runtime openvino, a call",
    ),
    ("start/start", "alexnet predict EXPORT"),
    ("input/peers", "input, float32, batch 128: ours, uint8 crops"),
    ("build/imagenette", "ours, 2 processes: working"),
]
# Page; its words before the number; record; figure.
IN_TEXT = """
imagenet; quality 95 | ; input/peers; bytes a picture of jpeg shards
imagenet; | 26,300 | ; input/peers; input, float32, batch 128: ours, uint8 crops
imagenet; | as the source: 10,800 | ; input/jpeg_original; pipeline
imagenet; | 238 (; input/jpeg_original; pipeline over libjpeg
imagenet; 3 uint8 pixels | ; input/raw; bytes a picture
imagenet; | 197,000 | ; input/peers; {raw}
imagenet; | 2,186 (; input/peers; {raw}, share of libjpeg
imagenet; | 322.7 | From ; build/photos; ours, 2 processes: working
imagenet; (measured.md), ; build/imagenette; peak memory of a worker
imagenet; MB a worker, ; build/imagenette; memory that a further picture adds
pipeline_limits; `jpeg` 949, `raw` ; input/peers; {raw}
pipeline_limits; `jpeg` 26,300, `raw` ; input/raw; bytes a picture
pipeline_limits; ILSVRC's first gave ; build/photos; a stored record
pipeline_limits; gives r = ; step/bfloat16; step, mixed_bfloat16, batch 128: ours
reproduction; the decay of the paper gave ; accuracy/imagenette_released; {ten}
scaling; , 2 processes x 4 | ; devices/traffic; {bytes} multiworker, 2 x 4 images
scaling; , 4 processes x 2 | ; devices/traffic; {bytes} multiworker, 4 x 2 images
scaling; | 8 | hybrid | ; {sent} 8 devices, hybrid, float32
scaling; | 256 | hybrid | ; {sent} 256 devices, hybrid, float32
serving; stays, on a CPU | ; {call}: ours, runtime openvino, a call
serving; 26 ms against ; {call}: ours, a call
weights; that others trained errs on ; accuracy/caffe_cifar; top-1 error, mean image
weights; with the mean colour on ; accuracy/caffe_cifar; top-1 error, mean colour
weights; 75), with the mean colour on 24.91 %, and on ; {blue}
"""
WORDS = {
    "raw": "input, float32, batch 128: ours, uint8 crops of raw shards",
    "ten": "top-1 error, ten views",
    "bytes": "bytes over loopback in a step:",
    "sent": "devices/traffic_projection; sent by each of",
    "blue": "accuracy/caffe_cifar; top-1 error, blue first on purpose",
    "call": "inference/peers; inference, float32, batch 1",
}
QUOTES = [line.split("; ") for line in IN_TEXT.format(**WORDS).strip().splitlines()]


def measured(record, figure):
    return Record.load(ROOT / "results" / f"{record}.json").value(figure)


def says(number, value):
    """Whether a number as printed is this value, rounded as it was printed."""
    digits = number.replace(",", "")
    kept = len(digits.partition(".")[2])
    if not kept and float(digits) > 9999:  # 26,300 stands for 26,3xx
        kept = -2
    return round(value, kept) == round(float(digits), kept)


def number_at(text, start):
    return re.match(r"\D*?([\d,]*\d(?:\.\d+)?)", text[start:])[1]


def test_the_readme_has_ten_figures_one_a_row():
    assert [len(row) for row in TABLE] == [3] * 10
    for (_, value, source), (record, figure) in zip(TABLE, IN_TABLE, strict=True):
        assert len(re.findall(r"\d[\d.,]*", value)) == 1
        assert says(number_at(value, 0), measured(record, figure)), value
        assert f"results/{record}.json" in source or "scripts/benchmarks/" in source


@pytest.mark.parametrize(("page", "before", "record", "figure"), QUOTES)
def test_a_page_quotes_what_was_measured(page, before, record, figure):
    text = " ".join((ROOT / "docs" / f"{page}.md").read_text().split())
    assert text.count(before) == 1
    number = number_at(text, text.index(before) + len(before))
    assert says(number, measured(record, figure))


def test_a_page_quotes_what_fit_reaches():
    text = (ROOT / "docs" / "pipeline_limits.md").read_text()
    (percent,) = re.findall(r"measures that share: (\d+) %", text)
    aim = "ours: ≥ 95% of what step and pipeline allow"
    reached = measured("fit/peers", f"fit, mixed_bfloat16, batch 64: aim: {aim}")
    assert says(percent, 100 * reached)


@pytest.mark.parametrize("preset", ["released", "caffe_alexnet", "paper", "caffenet"])
def test_the_readme_quotes_the_first_epochs_of_presets(preset):
    table = README.split("| epoch 1 | 2 |")[1].split("\n\n")[0]
    (line,) = [each for each in table.splitlines() if each.startswith(f"| `{preset}`")]
    errors = re.findall(r"([\d.]+) %", line)
    assert len(errors) >= 2
    for epoch, error in enumerate(errors, 1):
        figure = f"validation top-1 error, {preset}, epoch {epoch}"
        assert says(error, measured("accuracy/imagenette_presets", figure))


def test_the_readme_quotes_what_five_seeds_gave():
    errors = [measured("accuracy/digits", f"top-1 error, seed {n}") for n in range(5)]
    found = re.search(r"([\d.]+) to ([\d.]+) % of the 179 test scans", README)
    least, most = found.groups()
    assert says(least, 100 - max(errors)) and says(most, 100 - min(errors))
    minutes, seconds = re.search(r"(\d+) min (\d+) s on two cores", README).groups()
    time = measured("accuracy/quickstart", "time, environment included")
    assert 60 * int(minutes) + int(seconds) == time
