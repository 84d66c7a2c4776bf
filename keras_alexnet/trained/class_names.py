"""The class names of a network folder; no Keras."""

from collections.abc import Sequence
from pathlib import Path

from tfrecords.dataset.labels import read_labels
from tfrecords.dataset.names import LABELS_FILE
from tfrecords.errors import UserError


def load_labels(folder: Path | str) -> list[str]:
    """Return the class names of a network or run folder in label order.

    Raises:
        UserError: There are none.
    """
    try:
        return list(read_labels(Path(folder)))
    except FileNotFoundError:
        raise UserError(
            f"Expected the names of the classes in {Path(folder, LABELS_FILE)}, found "
            "no such file. Copy it from the dataset folder that the run learnt from."
        ) from None


def check_names(folder: Path | str, labels: Sequence[str], outputs: int) -> None:
    """Raise UserError for names that are not one for each output of the network."""
    if len(labels) != outputs:
        raise UserError(
            f"Expected {outputs} names in {Path(folder, LABELS_FILE)}, one for each "
            f"output of the network, found {len(labels)}."
        )
