"""Whether a dataset is one that a trained network can read."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_alexnet.trained.class_names import load_labels
from keras_alexnet.trained.config_file import read_config
from tfrecords import Manifest
from tfrecords.errors import UserError

_SQUARES = {"short_side": "of the shorter side", "warp": "of both sides"}


def check_dataset(
    folder: Path | str, data: Path | str, manifest: Manifest | None = None
) -> None:
    """Refuse a dataset whose pictures or classes are not those of a network.

    Its statistics may be others: a network keeps the mean that it was trained with.

    Args:
        folder: Network or run folder.
        data: Dataset folder.
        manifest: Of the dataset, where it was read already; None reads it.

    Raises:
        UserError: Classes, their order, stored size, resize filter, the way to a square
            or EXIF orientation differ; or one of the folders is incomplete.
    """
    preprocessing = read_config(folder).preprocessing
    check_fit(folder, load_labels(folder), preprocessing, data, manifest)


def check_fit(
    folder: Path | str,
    labels: Sequence[str],
    preprocessing: Mapping[str, Any],
    data: Path | str,
    manifest: Manifest | None = None,
) -> None:
    """Do as `check_dataset` does for a network that is open.

    Args:
        folder: What to call the network.
        labels: Its class names in label order.
        preprocessing: Of its `config.json`.
        data: Dataset folder.
        manifest: Of the dataset, where it was read already; None reads it.
    """
    manifest = manifest or Manifest.load(data)
    _check_classes(folder, labels, data, manifest)
    size, resize = preprocessing["stored_size"], preprocessing["resize_filter"]
    square = preprocessing.get("resize", "short_side")
    facts = [
        ("stored size", f"--size {size}", size, manifest.image_size),
        ("resize filter", f"--filter {resize}", resize, manifest.options["filter"]),
        (
            "resizing",
            f"--resize {square}",
            _SQUARES[square],
            _SQUARES[manifest.resize],
        ),
    ]
    if preprocessing["apply_exif"] is not None:
        names = {True: "applied", False: "ignored"}
        facts.append(
            (
                "EXIF orientation",
                "--apply-exif" if preprocessing["apply_exif"] else "--no-apply-exif",
                names[preprocessing["apply_exif"]],
                names[bool(manifest.options.get("apply_exif"))],
            )
        )
    for fact, option, ours, theirs in facts:
        if ours != theirs:
            raise UserError(
                f"Expected a dataset like that of {folder}, whose {fact} is {ours}; "
                f"that of {data} is {theirs}. Build it with {option}, or give another "
                "one."
            )


def _check_classes(
    folder: Path | str, labels: Sequence[str], data: Path | str, manifest: Manifest
) -> None:
    if list(labels) == list(manifest.labels):
        return
    differing = [
        f"{mine!r} against {theirs!r}"
        for mine, theirs in zip(labels, manifest.labels, strict=False)
        if mine != theirs
    ]
    raise UserError(
        f"The classes of {folder} and {data} differ: {len(labels)} against "
        f"{manifest.num_classes}"
        + (f", first {differing[0]}" if differing else "")
        + ". Take a dataset that was built from the same classes."
    )
