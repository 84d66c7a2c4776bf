#!/usr/bin/env python
"""Write docs/reproduction.md: the paper's claims beside what was measured here.

python scripts/benchmarks/claims.py
"""

import re
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])  # profile.py here is not Python's

from keras_alexnet.presets.schedule import SCHEDULES
from keras_alexnet.record import Record
from keras_alexnet.reproduction import EXPERIMENTS
from keras_alexnet.reproduction.experiment import Experiment, Finished, Outcome
from keras_alexnet.reproduction.reproduce import read_finished
from scripts.benchmarks.measured import ROOT, row

RESULTS, PAGE = ROOT / "results" / "reproduction", ROOT / "docs" / "reproduction.md"
HEAD = """# The paper's claims, measured

Generated from `results/reproduction/EXPERIMENT-ARM-SEED.json` by
`python scripts/benchmarks/claims.py`: do not edit. A row is a claim of the paper, or of
the logs of 2012, beside what `alexnet reproduce` measured: the mean over seeds, the
standard deviation where there are several, and in brackets how many there were.

`error, centre view` is of the validation pictures (of CIFAR-10 the test pictures) after
the last epoch, so that none was chosen by it; `error, ten views` is of the epoch with
the least error. A figure against the paper is as good as one for it: Imagenette has
9,469 photos where the paper had 1.2 million, and what helps there may do harm here.
An error of 25 % of 1,966 photos has a standard error of 1.0 point, and the difference
of two such 1.4 at most: what one seed finds below that is open.

`scripts/reproduce/` has a script for each table and figure. `alexnet reproduce` goes on
where it was cut; `--quick` shows in minutes that it works. What was trained lies in
`out/runs`, which experiments share: `released-0` is trained once. `gpu.sh` there
fills some minutes on a GPU; the one that was lent was taken back before a run ended.
"""
JPEG = """CIFAR-10 was had as JPEG copies (quality 75, 4:2:0 colour). What they cost: a
net of the 18 % kind that others trained on the clean pixels errs on {} % of the copies'
test pictures ([caffe_cifar](../results/accuracy/caffe_cifar.json))."""
COLUMNS = ("claim", "published", "ours", "conditions", "command", "commit")
NOT_RUN = "not run here"
_BRACES = re.compile(r"\{(.+?)\}")
# What the rows say together; in braces the means of outcomes, as their names are.
FOUND = {
    "relu": "As published: tanh takes {tanh over relu} times as many epochs.",
    "lrn": "Not so here: {without less with} points, where of 10,000 pictures the "
    "standard error of a difference is 0.6.",
    "overlap": "As published, and more of it: "
    "{released-non-overlapping less released, centre view} points.",
    "dropout": "Leaving it out doubles what fc7 and fc8 see, and spoils the net by "
    "{released-no-dropout less released, centre view} points. With weights and rates "
    "that make up for it, the net fits the training photos better "
    "({released-no-dropout-as-large: training error of the last epoch} against "
    "{released: training error of the last epoch} %) and errs as much on others: 12 "
    "epochs are too few for it to overfit, and it does not take half of them.",
    "augmentation": "As published in kind: without any the training error is "
    "{released-no-augmentation: training error of the last epoch} % instead of "
    "{released: training error of the last epoch}, and the error on other photos is "
    "higher by {released-no-augmentation less released, centre view} points, by "
    "{released-no-colour less released, centre view} without colour noise alone: "
    "less than one seed can show.",
    "towers": "As published, and more of it: "
    "{one_gpu less released, centre view} points.",
    "init": "The weights of conv3 to conv5. As printed the net errs "
    "{paper less released, centre view} points more than as run; with the weights as "
    "run, and all else as printed, {paper-weights less released, centre view}; with "
    "any other difference alone {paper-lrn-alpha less released, centre view} (alpha) "
    "or more. As run, but with the printed weights, it loses "
    "{released-paper-weights less released, centre view}.",
    "ensemble": "Not so after 12 epochs: the nets, which err as often on photos that "
    "they trained on, make the same errors.",
    "specialisation": "Not so after 12 epochs: the halves have "
    "{released: colour index of the greyer half} and "
    "{released: colour index of the other half}, as random halves may. Of 40 epochs at "
    "224 pixels: imagenette, below.",
    "imagenette": "{each alone, ten views} %, where 26 epochs with the decay of the "
    "paper gave 18.51 ([imagenette_released](../results/accuracy/"
    "imagenette_released.json)). One tower has more colour, as in "
    "figure 3, but by no more than chance may give: "
    "![The 96 kernels of conv1, tower by tower](../results/imagenette/kernels.png)",
}
CLASSES, PICTURES = 1000, 1_281_167  # of ILSVRC-2012
_STEP = "step, float32, batch 128: ours"
SPEEDS = (  # record, figure, machine
    ("gpu/h200.json", f"{_STEP}, released", "one H200"),
    ("step/float32.json", _STEP, "two CPU cores"),
)


def lines(results: Path) -> Iterator[str]:
    """Yield the lines of the page of all records in a folder.

    Raises:
        UserError: A file is no record.
    """
    yield from HEAD.splitlines()
    caffe = Record.load(ROOT / "results" / "accuracy" / "caffe_cifar.json")
    yield from ("", *JPEG.format(caffe.value("top-1 error, mean image")).splitlines())
    yield from ("", row(*COLUMNS), row(*["---"] * len(COLUMNS)))
    told = {name: read_finished(name, results) for name in EXPERIMENTS}
    for name, experiment in EXPERIMENTS.items():
        yield from _rows(experiment, told[name])
    for name, experiment in EXPERIMENTS.items():
        yield from ("", f"## {name}", "", experiment.claim)
        if experiment.note:
            yield from ("", experiment.note)
        yield from _found(experiment.compare(told[name]), FOUND.get(name, ""))


def _rows(experiment: Experiment, finished: Finished) -> Iterator[str]:
    records = [*finished.values()]
    outcomes = experiment.compare(finished)
    if not any(outcome.values for outcome in outcomes):
        asked = f"`alexnet reproduce {experiment.name} data/ out/`"
        published = "; ".join(
            f"{each.name}: {each.published}" for each in outcomes if each.published
        )
        needed = f"needs {experiment.pictures}"
        if experiment.classes == CLASSES:
            needed += f": {time_on_imagenet()}"
        told = (published, NOT_RUN, needed, asked, "")
        yield row(f"**{experiment.name}**", *told)
        return
    facts = (_conditions(experiment, records), _command(records), _commits(records))
    for outcome in outcomes:
        claim = f"**{experiment.name}**: {outcome.name}"
        yield row(claim, outcome.published, outcome.measured, *facts)
        facts = ("", "", "")  # once is enough


def _found(outcomes: Sequence[Outcome], said: str) -> Iterator[str]:
    """Yield what is said of outcomes, if they have all the figures that it names."""
    means = {
        outcome.name: statistics.fmean(found)
        for outcome in outcomes
        if (found := [value for value in outcome.values if value is not None])
    }
    if said and {*_BRACES.findall(said)} <= {*means} and means:
        told = _BRACES.sub(lambda name: f"{means[name[1]]:.2f}", said)
        yield from ("", f"**Found.** {told}")


def time_on_imagenet() -> str:
    """Return how long 91 epochs take, from the measured speeds of a step alone."""
    pictures = PICTURES * SCHEDULES["released-2012"].stop
    told = []
    for name, figure, where in SPEEDS:
        speed = Record.load(ROOT / "results" / name).value(figure)
        hours = pictures / speed / 3600
        time = f"{hours:.1f} hours" if hours < 48 else f"{hours / 24:.0f} days"
        told.append(f"{time} on {where} ({speed:,.0f} images/s, {name})")
    return "; ".join(told)


def _conditions(experiment: Experiment, records: Sequence[Record]) -> str:
    """Return pictures, size, epochs, arithmetic and processors, as far as all agree."""
    runs = [record.options for record in records if "recipe" in record.options]
    sizes = {run["input_size"] for run in runs}
    epochs = {len(run["training_error"]) for run in runs}
    precision = {run["recipe"]["precision"] for run in runs}
    machines = {str(record.machine["processor"]) for record in records}
    parts = [
        experiment.pictures,
        f"crops of {_either(sizes)} pixels",
        f"{_either(epochs)} epochs",
        _either(precision),
        _either(machines),
    ]
    return ", ".join(parts)


def _command(records: Sequence[Record]) -> str:
    return ", ".join(f"`{each}`" for each in dict.fromkeys(r.command for r in records))


def _commits(records: Sequence[Record]) -> str:
    found = dict.fromkeys((r.commit or "not known")[:10] for r in records)
    return ", ".join(found)


def _either(values: set) -> str:
    """Return one value, or the range or list of several."""
    ordered = sorted(values)
    if len(ordered) > 1 and isinstance(ordered[0], int):
        return f"{ordered[0]} to {ordered[-1]}"
    return " or ".join(map(str, ordered))


if __name__ == "__main__":
    PAGE.write_text("\n".join([*lines(RESULTS), ""]))
