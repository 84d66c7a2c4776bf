"""A file of other people's weights made a network folder, for every verb to take."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_alexnet.presets import AnyPreset, SmallPreset
from keras_alexnet.trained.config_file import NetworkConfig, preprocessing_of
from keras_alexnet.weights import READERS
from keras_alexnet.weights.caffe_mean import with_mean
from keras_alexnet.weights.fitting import class_count, tell_preset
from keras_alexnet.weights.foreign import ForeignWeights, InputRule
from keras_alexnet.weights.published import PUBLISHED, PublishedFile
from keras_alexnet.weights.signature import tell_format
from tfrecords import Statistics
from tfrecords.dataset.folder_names import check_folder_name
from tfrecords.errors import UserError
from tfrecords.files import local_path
from tfrecords.text_file import is_utf8, read_text

if TYPE_CHECKING:
    import keras

_BLOCK = 2**20  # bytes hashed at a time


@dataclass(frozen=True)
class ImportedWeights:
    """What was imported.

    Attributes:
        format: Name in `READERS`.
        preset: That the weights fit.
        classes: How many.
        sha1: Of the file, in hexadecimal, by which published files are known.
        published: Which of them it is; None: none.
        rule: How pictures are made ready for it.
    """

    format: str
    preset: str
    classes: int
    sha1: str
    published: PublishedFile | None
    rule: InputRule


def import_weights(
    path: Path | str,
    out: Path | str,
    *,
    preset: str | None = None,
    labels: Path | str | None = None,
    mean: Path | str | None = None,
    sha256: str | None = None,
) -> ImportedWeights:
    """Write a network folder of a file of weights, whole or not at all.

    Args:
        path: The file; its content tells the format.
        out: A new or empty folder.
        preset: What the weights were trained with; None where shapes and names tell.
        labels: Text file of the class names in label order, one a line; None: those of
            the file, else numbers from 0.
        mean: Caffe's mean image, `.binaryproto`; None takes the mean colour.
        sha256: What the file has to hash to, in hexadecimal.

    Raises:
        UserError: The file is of no known format, damaged, or not the one that was
            meant; its weights fit no preset, or several; or the folder holds something.
    """
    path, out = local_path(path), local_path(out)
    _check_out(out)
    found = tell_format(path)
    sha1 = _checked_hash(path, sha256)
    weights = READERS[found](path)
    fitted = tell_preset(weights, preset or _published_preset(sha1))
    rule = _rule(weights, mean)
    names = _labels(weights, labels)
    config, statistics = _facts(fitted, rule)
    from keras_alexnet.trained.folder import save_network  # Keras takes a second

    model = build_network(config.preset, weights)
    save_network(out, model, names, config, statistics)
    return ImportedWeights(
        found, fitted.name, len(names), sha1, PUBLISHED.get(sha1), rule
    )


def build_network(preset: AnyPreset, weights: ForeignWeights) -> "keras.Model":
    """Return the network of a preset with weights that fit it."""
    from keras_alexnet.models import alexnet, cifar_net

    options: Any = {"num_classes": class_count(weights.arrays), "seed": 0}
    options["dtype"] = "float32"
    if isinstance(preset, SmallPreset):
        model = cifar_net(preset, **options)
    else:
        model = alexnet(preset, **options)
    for name, array in weights.arrays.items():
        layer, _, part = name.rpartition(".")
        getattr(model.get_layer(layer), part).assign(array)
    return model


def _check_out(out: Path) -> None:
    check_folder_name(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(
            f"Expected a new or empty folder for a network, found something in {out}. "
            "Choose another one."
        )


def _checked_hash(path: Path, sha256: str | None) -> str:
    """Return the SHA-1 of a file, if its SHA-256 is as it should be."""
    sums = hashlib.sha1(usedforsecurity=False), hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            for each in sums:
                each.update(block)
    found = sums[1].hexdigest()
    if sha256 is not None and sha256.strip().lower() != found:
        raise UserError(
            f"Expected a file with --sha256 {sha256}, {path} has {found}. It is "
            "another file or a damaged one: get it again."
        )
    return sums[0].hexdigest()


def _published_preset(sha1: str) -> str | None:
    return PUBLISHED[sha1].preset if sha1 in PUBLISHED else None


def _rule(weights: ForeignWeights, mean: Path | str | None) -> InputRule:
    if mean is None:
        return weights.rule
    if weights.rule.mean_at != "view":
        raise UserError(
            f"Expected no --mean with weights that are not Caffe's, got {mean}: the "
            "mean that they need is known. Leave it out."
        )
    return with_mean(weights.rule, local_path(mean))


def _labels(weights: ForeignWeights, path: Path | str | None) -> Sequence[str]:
    count = class_count(weights.arrays)
    names: Sequence[str] = weights.labels or [str(label) for label in range(count)]
    if path is not None:
        file = local_path(path)
        if not file.is_file():
            raise UserError(f"Expected class names, one a line, found no file {file}.")
        names = [line.strip() for line in read_text(file).splitlines()]
    empty = sum(not name for name in names)
    if len(names) != count or empty or not all(map(is_utf8, names)):
        raise UserError(
            f"Expected {count:,} class names, one a line in UTF-8, for the classes of "
            f"the weights, found {len(names):,} lines, {empty} of them empty, in "
            f"{path or 'the weights'}. Give a list of them with --labels."
        )
    return names


def _facts(preset: AnyPreset, rule: InputRule) -> tuple[NetworkConfig, Statistics]:
    """Return what the folder says of the pictures that the weights were trained on."""
    kind = "channel" if rule.mean.ndim == 1 else "image"
    preset = preset.replace(mean=kind)
    size = rule.stored_size
    facts = preprocessing_of(preset, size, rule.resize_filter, False, rule.resize)
    if kind == "image" and rule.mean_at != "centre":
        facts["mean_at"] = rule.mean_at
    return NetworkConfig(preset, facts), mean_statistics(rule.mean, size)


def mean_statistics(mean: np.ndarray, size: int) -> Statistics:
    """Return statistics of pictures of which nothing but the mean is known.

    Args:
        mean: `(3,)` or `(size, size, 3)`.
        size: Side of the pictures in pixels.
    """
    image = np.broadcast_to(mean, (size, size, 3)).astype(np.float32)
    none = np.zeros(3)
    return Statistics(
        mean_image=image,
        channel_means=image.mean((0, 1), np.float64),
        covariance=np.zeros((3, 3)),
        eigenvalues=none,
        stddevs=none,
        eigenvectors=np.eye(3),
        count=0,
    )
