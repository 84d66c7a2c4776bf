"""A file of other people's weights made a network folder, for every verb to take."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_alexnet.presets import AnyPreset
from keras_alexnet.trained.config_file import NetworkConfig, preprocessing_of
from keras_alexnet.trained.new_folder import check_new_folder
from keras_alexnet.weights import READERS
from keras_alexnet.weights.caffe_mean import with_mean
from keras_alexnet.weights.download import fetch, is_web_address
from keras_alexnet.weights.fitting import class_count, tell_preset
from keras_alexnet.weights.foreign import ForeignWeights, InputRule
from keras_alexnet.weights.keras_layers import check_layers
from keras_alexnet.weights.layout import Channels, Fc6Order, FileOrder
from keras_alexnet.weights.own import OWN_RULE, with_statistics
from keras_alexnet.weights.published import PUBLISHED, PublishedFile
from keras_alexnet.weights.signature import tell_format
from tfrecords import Statistics
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
    channels: Channels | None = None,
    fc6_order: Fc6Order | None = None,
) -> ImportedWeights:
    """Write a network folder of a file of weights, whole or not at all.

    Args:
        path: The file; its content tells the format. An `https://` address is fetched
            once, and takes `sha256`.
        out: A new or empty folder.
        preset: What the weights were trained with; None where shapes and names tell.
        labels: Text file of the class names in label order, one a line; None: those of
            the file, else numbers from 0.
        mean: Caffe's mean image, `.binaryproto`, for weights of Caffe; statistics.npz
            of their dataset for ours. None takes the mean colour.
        sha256: What the file has to hash to, in hexadecimal.
        channels: Which colour the file's conv1 takes first; None: as its format has it.
        fc6_order: How the file's fc6 takes its maps; None likewise. A wrong order has
            the right shapes: only pictures of known classes show it.

    Raises:
        UserError: The file is of no known format, damaged, or not the one that was
            meant; its weights fit no preset, or several; or the folder holds something.
    """
    out = check_new_folder(out)
    path = fetch(str(path), sha256) if is_web_address(path) else local_path(path)
    found = tell_format(path)
    sha1 = _checked_hash(path, sha256)
    weights = READERS[found](path, FileOrder(channels, fc6_order))
    fitted = tell_preset(weights, preset or _published_preset(sha1))
    rule, statistics = _rule(weights, fitted, mean, channels)
    names = _labels(weights, labels)
    config = weights.card.config if weights.card else _config(fitted, rule)
    from keras_alexnet.trained.folder import save_network  # Keras takes a second

    model = build_network(config.preset, weights)
    save_network(out, model, names, config, statistics)
    return ImportedWeights(
        found, fitted.name, len(names), sha1, PUBLISHED.get(sha1), rule
    )


def build_network(preset: AnyPreset, weights: ForeignWeights) -> "keras.Model":
    """Return the network of a preset with weights that fit it."""
    from keras_alexnet.models.of_preset import network_of
    from keras_alexnet.trained.tensors import assign_tensors

    model = network_of(preset, class_count(weights))
    assign_tensors(model, weights.arrays)
    if weights.layers:
        check_layers(model, weights.layers)
    return model


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


def _rule(
    weights: ForeignWeights,
    preset: AnyPreset,
    mean: Path | str | None,
    channels: Channels | None,
) -> tuple[InputRule, Statistics]:
    """Return what pictures the weights need, and what is known of those."""
    rule, card = weights.rule, weights.card
    if mean is not None:
        path = local_path(mean)
        if rule is OWN_RULE:
            return with_statistics(path, preset)
        if card or rule.mean_at != "view":
            raise UserError(
                f"Expected no --mean with weights that say what mean they need, got "
                f"{mean}. Leave it out."
            )
        rule = with_mean(rule, path, channels)
    return rule, card.statistics if card else mean_statistics(
        rule.mean, rule.stored_size
    )


def _labels(weights: ForeignWeights, path: Path | str | None) -> Sequence[str]:
    count = class_count(weights)
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


def _config(preset: AnyPreset, rule: InputRule) -> NetworkConfig:
    """Return what the folder says of the network and of the pictures that it needs."""
    kind = "channel" if rule.mean.ndim == 1 else "image"
    preset = preset.replace(mean=kind)
    size = rule.stored_size
    facts = preprocessing_of(preset, size, rule.resize_filter, False, rule.resize)
    if kind == "image" and rule.mean_at != "centre":
        facts["mean_at"] = rule.mean_at
    return NetworkConfig(preset, facts)


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
