"""The dataset of a run: read once, and looked at before anything is made."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_alexnet.data.mean import load_statistics
from keras_alexnet.models.of_preset import check_network
from keras_alexnet.presets import AnyPreset
from keras_alexnet.trained.config_file import preprocessing_of
from keras_alexnet.trained.names import DATASET_STATISTICS_FILE
from tfrecords import Manifest, Statistics
from tfrecords.errors import UserError


@dataclass(frozen=True)
class RunDataset:
    """A dataset folder as a training knows it.

    Attributes:
        folder: Where it lies.
        manifest: What it holds; the size of every shard was asked for.
        statistics: Of its training pictures.
    """

    folder: Path
    manifest: Manifest
    statistics: Statistics

    @classmethod
    def read(cls, folder: Path) -> "RunDataset":
        """Read manifest and statistics.

        Raises:
            UserError: The folder is incomplete, or has no training split.
        """
        manifest = Manifest.load(folder)
        if not manifest.count("train"):
            raise UserError(
                f"Expected a training split in {folder}, found "
                f"{', '.join(manifest.splits)}. Build it from a source with training "
                "pictures; this one is for alexnet evaluate."
            )
        return cls(folder, manifest, load_statistics(folder))

    @property
    def validation_split(self) -> str:
        """The split that training watches: `validation`, else `test`.

        Raises:
            UserError: There is neither.
        """
        for split in ("validation", "test"):
            if self.manifest.count(split):
                return split
        raise UserError(
            f"Expected a validation or test split in {self.folder}, found "
            f"{', '.join(self.manifest.splits)}. Build with --validation-fraction "
            "above 0."
        )

    def preprocessing(self, preset: AnyPreset) -> dict[str, Any]:
        """Return what `config.json` says of the pictures that a network takes."""
        options = self.manifest.options
        turned = bool(options.get("apply_exif"))
        made = (options["filter"], turned, self.manifest.resize)
        return preprocessing_of(preset, self.manifest.image_size, *made)

    def check_fits(self, preset: AnyPreset) -> None:
        """Refuse pictures with which a network could not take a step.

        Raises:
            UserError: There are no validation pictures, fewer training pictures than a
                batch, smaller ones than the network takes, or other classes than it has
                targets for.
        """
        check_network(preset, self.manifest.image_size, self.manifest.num_classes)
        _ = self.validation_split  # refuses; an assert would go with python -O
        if self.manifest.image_size < preset.input_size:
            raise UserError(
                f"Expected pictures of at least {preset.input_size} pixels in "
                f"{self.folder}, found {self.manifest.image_size}. Use a smaller "
                "--input-size, or build with a larger --size."
            )
        batch_size, count = preset.recipe.batch_size, self.manifest.count("train")
        if count < batch_size:
            raise UserError(
                f"Expected at least one batch of {batch_size} training pictures in "
                f"{self.folder}, found {count}. Use a smaller --batch-size."
            )

    def check_is_of(self, run: Path) -> None:
        """Refuse a training split whose pictures are not those of a run.

        The mean image is a fingerprint of them: it is exact, and does not depend on how
        the shards are cut or where the folder lies.

        Raises:
            UserError: Number or mean of the pictures differ, or a file is missing.
        """
        ours, theirs = load_statistics(run), self.statistics
        if (run / DATASET_STATISTICS_FILE).exists():
            ours = Statistics.load(run / DATASET_STATISTICS_FILE)
        if ours.count != theirs.count:
            what = f"has {theirs.count:,} pictures, that of {run} {ours.count:,}"
        elif not np.array_equal(ours.mean_image, theirs.mean_image):
            what = f"has another mean image than that of {run}, so other pictures"
        else:
            return
        raise UserError(
            f"The training split of {self.folder} {what}. Go on with the dataset that "
            "the run was started with, wherever it lies now, or start a new run."
        )
