"""The pictures that an export is checked with, and those that int8 is calibrated on."""

import contextlib
import contextvars
import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_alexnet.data.sample import sample_views
from keras_alexnet.inference.picture_bytes import answer_pictures, check_picture
from keras_alexnet.inference.runtimes import RUNTIMES
from keras_alexnet.trained.dataset_check import check_fit
from keras_alexnet.trained.network import TrainedNetwork
from tfrecords import Manifest
from tfrecords.errors import UserError

LEAST = 32  # pictures that are enough for a file of the same numbers
COUNT = 500  # pictures of the validation split that are taken
CALIBRATED = 200  # of the training split, for the ranges of activations
SEED = 2012  # of the draw of both
# Where there is none of the first, the next: an export is not tuned by any of them.
_SPLITS = ("validation", "test", "train")


@dataclass(frozen=True, eq=False)
class ExportPictures:
    """Preprocessed pictures of one network.

    Attributes:
        network: Whose they are, with a Keras model.
        images: float32 `(pictures, size, size, 3)`, mean subtracted.
        labels: int64 `(pictures,)`; None where the classes are not known.
        told: What they are, such as `500 pictures of the validation split of data`.
        data: Dataset folder whose training split calibrates; None: there is none.
    """

    network: TrainedNetwork
    images: np.ndarray
    labels: np.ndarray | None
    told: str
    data: Path | None

    @functools.cached_property
    def expected(self) -> np.ndarray:
        """What Keras answers in float32: probabilities `(pictures, classes)`."""
        answer = RUNTIMES["tensorflow"](self.network.model, precision="float32")
        return in_parts(answer, self.images)

    def calibration(self) -> np.ndarray:
        """Return images of the training split, as `images`, for ranges of activations.

        Raises:
            UserError: There is no dataset of this network.
        """
        return _sample(self.network, self.training_data(), "train", CALIBRATED)[0]

    def training_data(self) -> Path:
        """Return the dataset that has such pictures; raises as `calibration` does."""
        if self.data is None:
            raise UserError(
                "Expected pictures like those that the network learnt from, to measure "
                "its activations with for int8: there is no dataset of the run. Give "
                "one with --data DATA."
            )
        return self.data


def export_pictures(
    network: TrainedNetwork,
    files: Sequence[Path | str] = (),
    data: Path | str | None = None,
) -> ExportPictures:
    """Find what an export of a network is checked with.

    Args:
        network: With a Keras model.
        files: Pictures to check with; none: those of a dataset, of its validation split
            if it has one; of none, noise.
        data: Dataset folder; None: that of the run, where it still is.

    Raises:
        UserError: The dataset does not fit the network, a file cannot be read, or there
            are fewer than 32 of them.
    """
    folder = _own_dataset(network) if data is None else Path(data)
    if files:
        images = _read(network, files)
        return ExportPictures(network, images, None, f"{len(images)} pictures", folder)
    if folder is None:
        return ExportPictures(network, *_noise(network), None)
    manifest = _check(network, folder)
    split = next(name for name in _SPLITS if name in manifest.splits)
    images, labels = _sample(network, folder, split, COUNT)
    few = f"all {len(images)}" if len(images) < COUNT else f"{len(images)}"
    told = f"{few} pictures of the {split} split of {manifest.name}"
    return ExportPictures(network, images, labels, told, folder)


_GIVEN = contextvars.ContextVar[ExportPictures | None]("export_pictures", default=None)


@contextlib.contextmanager
def use_pictures(pictures: ExportPictures) -> Iterator[None]:
    """Check the exports of this block with these pictures; each makes its own else."""
    token = _GIVEN.set(pictures)
    try:
        yield
    finally:
        _GIVEN.reset(token)


def current_pictures(network: TrainedNetwork) -> ExportPictures:
    """Return the pictures of the block, or those of the network's own dataset."""
    given = _GIVEN.get()
    if given is not None and given.network is network:
        return given
    return export_pictures(network)


def in_parts(
    answer: Callable[[np.ndarray], np.ndarray], images: np.ndarray, size: int = 32
) -> np.ndarray:
    """Return the answers to many images, `size` of them at a time."""
    parts = [answer(images[i : i + size]) for i in range(0, len(images), size)]
    return np.concatenate(parts)


def _own_dataset(network: TrainedNetwork) -> Path | None:
    """Return the dataset folder of a run; None: it is gone, or was built otherwise."""
    if network.config.control is None:
        return None
    folder = Path(network.config.control["data"])
    try:
        _check(network, folder)
    except UserError:
        return None
    return folder


def _check(network: TrainedNetwork, data: Path) -> Manifest:
    manifest, facts = Manifest.load(data), network.config.preprocessing
    check_fit(network.path, network.labels, facts, data, manifest)
    return manifest


def _sample(
    network: TrainedNetwork, data: Path, split: str, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return images of a split as the network takes them, and their labels."""
    shown = network.preprocessing
    views, labels = sample_views(
        data, split=split, count=count, seed=SEED, input_size=shown.input_size
    )
    return views.astype(np.float32) - shown.view_means(1), labels


def _read(network: TrainedNetwork, files: Sequence[Path | str]) -> np.ndarray:
    if len(files) < LEAST:
        raise UserError(
            f"Expected at least {LEAST} pictures for --check, got {len(files)}. Give "
            "more, or none: then those of the dataset are taken."
        )
    for file in files:
        check_picture(file)
    images = answer_pictures(files, lambda x: network.preprocessing.images(x).numpy())
    for file, image in zip(files, images, strict=True):
        if isinstance(image, str):
            raise UserError(f"Expected pictures for --check; {file}: {image}.")
    return np.stack([image for image in images if not isinstance(image, str)])


def _noise(network: TrainedNetwork) -> tuple[np.ndarray, None, str]:
    size = network.preprocessing.input_size
    pixels = np.random.default_rng(SEED).uniform(0, 255, (LEAST, size, size, 3))
    images = pixels.astype(np.float32) - network.preprocessing.view_means(1)
    return images, None, f"{LEAST} pictures of noise (no dataset of the run)"
