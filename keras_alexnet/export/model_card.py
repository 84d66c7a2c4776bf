"""`README.md` of an export: what it is, how good it is, how it is used."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from keras_alexnet.export.agreement import Agreement
from keras_alexnet.export.format import Format
from keras_alexnet.export.pictures import ExportPictures
from keras_alexnet.presets import LenetPreset
from keras_alexnet.trained.names import METRICS_FILE
from keras_alexnet.trained.network import TrainedNetwork
from keras_alexnet.version import VERSION
from tfrecords import Manifest
from tfrecords.plain_text import printable


class _Family(NamedTuple):
    name: str
    authors: str
    paper: str


_ALEXNET = _Family(
    "AlexNet",
    "Krizhevsky et al. 2012",
    "https://papers.nips.cc/paper/"
    "4824-imagenet-classification-with-deep-convolutional-neural-networks",
)
_LENET = _Family("LeNet-5", "LeCun et al. 1998", "https://doi.org/10.1109/5.726791")


def card(
    pictures: ExportPictures, kind: Format, agreement: Agreement, megabytes: float
) -> str:
    """Return a model card in Markdown, with the head that the Hugging Face Hub reads.

    Args:
        pictures: Of the network that was exported.
        kind: As what.
        agreement: What the check found.
        megabytes: Size of the file in 10^6 bytes.
    """
    network, measured = pictures.network, list(_evaluations(pictures.network))
    data = None if pictures.data is None else Manifest.load(pictures.data).name
    preset, family = network.config.preset, _family(network)
    subtracts = network.config.preprocessing["mean"] != "none"
    return "\n".join(
        [
            "---",
            *_head(network, kind, data, measured),
            "---",
            "",
            f"# {family.name} `{preset.name}`, {kind.title}",
            "",
            f"{preset.description} {len(network.labels)} classes; "
            f"`{kind.file}`, {megabytes:.1f} MB. Made by keras-alexnet {VERSION}, "
            f"after [{family.authors}]({family.paper}).",
            "",
            *_facts(network, data, measured),
            "",
            "## Checked",
            "",
            "Run by its own runtime before it got its name. "
            f"{_markdown(agreement.text)}.",
            "",
            "## Use",
            "",
            f"In this folder, with a `picture.jpg`; `pip install {kind.install}`:",
            "",
            "```python",
            kind.example(network).rstrip(),
            "```",
            "",
            "`config.json` says under `input` what the network takes, `labels.txt` has "
            f"the classes in order{', `statistics.npz` the mean' * subtracts}.",
            "",
        ]
    )


def _family(network: TrainedNetwork) -> _Family:
    lenet = isinstance(network.config.preset, LenetPreset)
    return _LENET if lenet else _ALEXNET


def _head(
    network: TrainedNetwork,
    kind: Format,
    data: str | None,
    measured: list[dict[str, Any]],
) -> Iterator[str]:
    """Yield YAML; text is quoted as JSON does, which YAML reads."""
    yield "license: other"
    yield "license_name: unknown"  # of the weights: their owner decides
    yield "library_name: " + ("keras" if kind.name == "keras" else "keras-alexnet")
    yield "pipeline_tag: image-classification"
    family = _family(network).name.lower()
    yield f"tags: [image-classification, {family}, {json.dumps(kind.name)}]"
    if data is not None:
        yield f"datasets: [{json.dumps(data)}]"
    yield "metrics: [accuracy]"
    if not measured:
        return
    yield "model-index:"
    yield f"  - name: {json.dumps(f'{family}-{network.config.preset.name}')}"
    yield "    results:"
    for each in measured:
        known = json.dumps(data or Path(each["data"]).name)
        yield "      - task: {type: image-classification}"
        yield (
            f"        dataset: {{name: {known}, type: {known}, "
            f"split: {json.dumps(each['split'])}}}"
        )
        yield "        metrics:"
        for top in (1, 5):
            value = 1 - each[f"top{top}_error"]
            kinds = "accuracy" if top == 1 else "top-5-accuracy"
            yield (
                f"          - {{type: {kinds}, value: {value:.6g}, "
                f'name: "top-{top} accuracy, {each["views"]} view(s)"}}'
            )


def _facts(
    network: TrainedNetwork, data: str | None, measured: list[dict[str, Any]]
) -> Iterator[str]:
    recipe = vars(network.config.preset.recipe)
    yield "| | |"
    yield "| --- | --- |"
    yield f"| classes | {_markdown(_listed(network.labels))} |"
    if data is not None:
        yield f"| learnt from | {_markdown(data)} |"
    for each in measured:
        yield (
            f"| {each['split']}, {each['images']:,} pictures, {each['views']} view(s) "
            f"| top-1 error {each['top1_error']:.2%}, top-5 error "
            f"{each['top5_error']:.2%} (the Keras network) |"
        )
    if not measured:
        yield "| accuracy | not measured: `alexnet evaluate NETWORK DATA` |"
    for name, value in recipe.items():
        if value is not None and value != ():
            yield f"| {name.replace('_', ' ')} | {_markdown(value)} |"


def _evaluations(network: TrainedNetwork) -> Iterator[dict[str, Any]]:
    """Yield what `alexnet evaluate` kept in the run folder, the last of each kind."""
    path, latest = network.path / METRICS_FILE, {}
    if network.path != Path() and path.is_file():
        for line in path.read_text().splitlines():
            found = json.loads(line)
            latest[found["split"], found["views"]] = found
    yield from latest.values()


def _listed(labels: list[str], most: int = 10) -> str:
    more = f" and {len(labels) - most} more" if len(labels) > most else ""
    return f"{len(labels)}: {', '.join(labels[:most])}{more}"


def _markdown(text: object) -> str:
    """Return text in one line that is no markup of a table or a page."""
    line = printable(text).replace("&", "&amp;").replace("<", "&lt;")
    for mark in "\\`*_[]|":
        line = line.replace(mark, f"\\{mark}")
    return line
