"""The pictures of an index that a network sees as nearest to others (section 6.1)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_alexnet.inference.feature_files.index import FeatureIndex
from keras_alexnet.inference.features import answers_in_batches
from keras_alexnet.inference.neighbours import nearest_rows
from keras_alexnet.inference.picture_bytes import Picture
from keras_alexnet.models.layer_names import last_layer
from keras_alexnet.trained.folder import network_digest
from keras_alexnet.trained.network import TrainedNetwork
from tfrecords.errors import UserError


class Neighbour(NamedTuple):
    """A picture of an index, and how far it is from another one.

    Attributes:
        file: Path that the index has of it.
        distance: Euclidean, between the features.
        row: Its place in the index.
        label: Its label; None in an index without.
    """

    file: str
    distance: float
    row: int
    label: int | None


class NeighbourSearch:
    """Finds the nearest pictures of one index.

    Args:
        network: That the index was made with.
        path: File of `alexnet features`: .npy, .npz or .h5.
        layer: Whose features are compared; None: the one below the head.

    Attributes:
        index: That is searched.

    Raises:
        UserError: It is no index, was made with another network, or lacks the layer; or
            the network is an export, which has no features.
    """

    def __init__(
        self, network: TrainedNetwork, path: Path, layer: str | None = None
    ) -> None:
        layer = layer or last_layer(network.config.preset)
        (choice,) = network.layers([layer])
        self._extractor = network.extractor([choice.name])
        self.index = FeatureIndex(path, choice.name)
        if network_digest(network.path) != self.index.network:
            raise UserError(
                f"Expected an index of the network {network.path}, got one of another "
                f"network or epoch (SHA-256 {self.index.network}). Write it again "
                "with: alexnet features."
            )

    def nearest(
        self, pictures: Sequence[Picture], count: int = 5
    ) -> list[list[Neighbour] | str]:
        """Return the nearest rows of each picture, or why it could not be read.

        Args:
            pictures: As in `TrainedNetwork.predict`.
            count: Rows of each, nearest first; fewer where there are no more.
        """
        answers = list(answers_in_batches(pictures, self._extractor))
        read = [answer for answer in answers if not isinstance(answer, str)]
        if not read:
            return [answer for answer in answers if isinstance(answer, str)]
        queries = np.stack([features.reshape(-1) for (features,) in read])
        nearest = nearest_rows(queries, self.index.blocks(), count)
        found = iter([self._named(*each) for each in zip(*nearest, strict=True)])
        return [each if isinstance(each, str) else next(found) for each in answers]

    def answers(self, paths: Sequence[Path], count: int = 5) -> list[dict[str, Any]]:
        """Return for each file its name, neighbours and error, for JSON.

        A neighbour has the fields of `Neighbour`. Args are those of `nearest`.
        """
        found = self.nearest(paths, count)
        return [
            {"file": str(path), "neighbours": [], "error": near}
            if isinstance(near, str)
            else {
                "file": str(path),
                "neighbours": [each._asdict() for each in near],
                "error": "",
            }
            for path, near in zip(paths, found, strict=True)
        ]

    def _named(self, distances: np.ndarray, rows: np.ndarray) -> list[Neighbour]:
        files, labels = self.index.files, self.index.labels
        return [
            Neighbour(
                files[row], distance, row, None if labels is None else labels[row]
            )
            for distance, row in zip(distances.tolist(), rows.tolist(), strict=True)
        ]
