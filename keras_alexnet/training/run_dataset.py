"""Whether a dataset is one that a run can read."""

from pathlib import Path

import numpy as np

from keras_alexnet.data.mean import load_statistics
from keras_alexnet.trained.config_file import TrainConfig
from keras_alexnet.trained.folder import load_labels, with_dataset_facts
from tfrecords import Manifest
from tfrecords.errors import DatasetError


def check_dataset(run: Path | str, data: Path | str) -> None:
    """Refuse a dataset whose pictures or classes are not those of a run.

    Its statistics may be others: a network keeps the mean that it was trained with.

    Args:
        run: Run folder.
        data: Dataset folder.

    Raises:
        DatasetError: Classes, their order, stored size, resize filter or EXIF
            orientation differ; or one of the folders is incomplete.
    """
    manifest = Manifest.load(data)
    config = TrainConfig.load(run)
    _check_classes(run, data, manifest)
    turned = bool(manifest.options.get("apply_exif"))
    facts = [
        ("stored size", "--size", config.stored_size, manifest.image_size),
        ("resize filter", "--filter", config.resize_filter, manifest.options["filter"]),
    ]
    if config.apply_exif is not None:
        names = {True: "applied", False: "ignored"}
        facts.append(
            (
                "EXIF orientation",
                "--apply-exif" if config.apply_exif else "--no-apply-exif",
                names[config.apply_exif],
                names[turned],
            )
        )
    for fact, option, ours, theirs in facts:
        if ours != theirs:
            build = option if option.endswith("exif") else f"{option} {ours}"
            raise DatasetError(
                f"Expected a dataset like that of {run}, whose {fact} is {ours}; that "
                f"of {data} is {theirs}. Build it with {build}, or give another one."
            )


def check_training_split(run: Path | str, data: Path | str) -> None:
    """Refuse a dataset whose training pictures are not those of a run.

    The mean image is a fingerprint of them: it is exact, and does not depend on how the
    shards are cut or where the folder lies.

    Raises:
        DatasetError: Number or mean of the pictures differ, or a file is missing.
    """
    ours, theirs = load_statistics(run), load_statistics(data)
    if ours.count != theirs.count:
        what = f"has {theirs.count:,} pictures, that of {run} {ours.count:,}"
    elif not np.array_equal(ours.mean_image, theirs.mean_image):
        what = f"has another mean image than that of {run}, so other pictures"
    else:
        return
    raise DatasetError(
        f"The training split of {data} {what}. Go on with the dataset that the run was "
        "started with, wherever it lies now, or start a new run."
    )


def check_pictures(config: TrainConfig) -> None:
    """Refuse a dataset with which a run could not take a step.

    Raises:
        DatasetError: It has no training or no validation pictures, fewer than a batch,
            or smaller ones than the network takes.
    """
    preset, manifest = config.resolve(), Manifest.load(config.data)
    with_dataset_facts(config)
    validation_split(config.data)
    if manifest.image_size < preset.input_size:
        raise DatasetError(
            f"Expected pictures of at least {preset.input_size} pixels in "
            f"{config.data}, found {manifest.image_size}. Use a smaller --input-size, "
            "or build with a larger --size."
        )
    if manifest.count("train") < preset.batch_size:
        raise DatasetError(
            f"Expected at least one batch of {preset.batch_size} training pictures in "
            f"{config.data}, found {manifest.count('train')}. Use a smaller "
            "--batch-size."
        )


def validation_split(data: Path | str) -> str:
    """Return the split that training watches: `validation`, else `test`.

    Raises:
        DatasetError: There is neither.
    """
    manifest = Manifest.load(data)
    for split in ("validation", "test"):
        if manifest.count(split):
            return split
    raise DatasetError(
        f"Expected a validation or test split in {data}, found "
        f"{', '.join(manifest.splits)}. Build with --validation-fraction above 0."
    )


def _check_classes(run: Path | str, data: Path | str, manifest: Manifest) -> None:
    labels = load_labels(Path(run))
    if labels == list(manifest.labels):
        return
    differing = [
        f"{mine!r} against {theirs!r}"
        for mine, theirs in zip(labels, manifest.labels, strict=False)
        if mine != theirs
    ]
    raise DatasetError(
        f"The classes of {run} and {data} differ: {len(labels)} against "
        f"{manifest.num_classes}"
        + (f", first {differing[0]}" if differing else "")
        + ". Take a dataset that was built from the same classes."
    )
