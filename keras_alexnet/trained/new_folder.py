"""A network folder that is being made, and what stands in it beside the network."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from keras_alexnet.trained.config_file import NetworkConfig, write_config
from keras_alexnet.trained.input_facts import input_facts
from tfrecords import Statistics
from tfrecords.dataset.folder_names import check_folder_name
from tfrecords.dataset.labels import write_labels
from tfrecords.dataset.names import STATISTICS_FILE
from tfrecords.errors import UserError
from tfrecords.files import disk_error, local_path, sync


def check_new_folder(folder: Path | str) -> Path:
    """Return a folder for a network that is not there yet, or empty.

    Raises:
        UserError: It holds something, or is a file.
    """
    folder = local_path(folder)
    check_folder_name(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(
            f"Expected a new or empty folder for a network, found something in "
            f"{folder}. Choose another one."
        )
    return folder


class NetworkFacts(NamedTuple):
    """What stands in a network folder beside the network.

    Attributes:
        labels: Class names in label order.
        config: What the network is; what it keeps of a run is not written.
        statistics: Of the pictures that it learnt from.
        layout: Order of the axes of its images, NHWC or NCHW.
    """

    labels: Sequence[str]
    config: NetworkConfig
    statistics: Statistics
    layout: str = "NHWC"


@contextmanager
def new_network_folder(
    folder: Path | str, file: str, facts: NetworkFacts
) -> Iterator[Path]:
    """Give a path to write a network to, whose folder appears if the block ends well.

    Args:
        folder: A new one, or an empty one.
        file: Name of the network's file in it; others may be written beside it.
        facts: What else is in the folder.

    Raises:
        UserError: The folder holds something or cannot be written.
    """
    folder = local_path(folder)
    try:
        check_new_folder(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        prefix = f".{folder.name}."
        scratch = Path(tempfile.mkdtemp(".tmp", prefix, folder.absolute().parent))
        try:
            scratch.chmod(0o777 & ~_umask())
            yield scratch / file
            write_facts(scratch, *facts)
            sync(scratch / file)
            os.replace(scratch, folder)
        except BaseException:
            shutil.rmtree(scratch, ignore_errors=True)
            raise
        sync(folder.absolute().parent)
    except OSError as error:
        raise disk_error(error, folder / file) from None


def write_facts(
    folder: Path,
    labels: Sequence[str],
    config: NetworkConfig,
    statistics: Statistics,
    layout: str = "NHWC",
) -> None:
    """Write what a network folder holds beside the network."""
    bare = NetworkConfig(config.preset, config.preprocessing)
    about = input_facts(config.preprocessing, statistics, layout)
    write_config(folder, bare, input=about)
    write_labels(folder, labels)
    statistics.save(folder / STATISTICS_FILE)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
