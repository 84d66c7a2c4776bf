"""A run folder to a SavedModel that needs none of our code."""

import errno
import os
import tempfile
from pathlib import Path

import keras
import tensorflow as tf

from keras_alexnet.inference.graph import ServedNetwork
from tfrecords.dataset.folder_names import check_model_folder
from tfrecords.files import disk_error
from tfrecords.result_files import check_folder


def export_saved_model(
    run: Path | str, out: Path | str, *, num_views: int = 1, top: int = 5
) -> Path:
    """Write the next version of an exported model, `OUT/1`, `OUT/2` and so on.

    `serving_default` takes `image_bytes` and gives `probabilities`, `classes`, `scores`
    and `labels`; `images` takes preprocessed float images and gives the same;
    `features` takes `image_bytes` and gives activations. Preprocessing is in the graph
    and the class names are an asset, `assets/labels.txt`. For other runtimes,
    `preprocess` takes `image_bytes` and gives `images`, and `portable` takes
    preprocessed images and gives `probabilities` in operations that converters know.

    Args:
        run: Run folder.
        out: Folder of the exported model, as TensorFlow Serving expects it.
        num_views: 1 for the centre, 10 for the mean over ten views (section 4.1).
        top: Number of classes to name.

    Returns:
        The version folder.

    Raises:
        DatasetError: The run is incomplete, or the folder cannot be written, or not be
            read back by TensorFlow because of its name.
    """
    out = Path(out)
    check_model_folder(out)
    check_folder(out.absolute(), out)
    network = ServedNetwork(run, num_views=num_views, top=top)
    archive = keras.export.ExportArchive()
    archive.track(network.names)
    archive.add_endpoint("serving_default", network.from_bytes, [network.bytes_spec])
    archive.add_endpoint("images", network.from_images, [network.image_spec])
    archive.add_endpoint("features", network.features, [network.bytes_spec])
    archive.add_endpoint("preprocess", network.preprocess, [network.bytes_spec])
    archive.add_endpoint("portable", network.portable, [network.image_spec])
    try:
        out.mkdir(parents=True, exist_ok=True)
        version = out / str(_next_version(out))
        # Beside its place, so that a server never sees half of a version.
        with tempfile.TemporaryDirectory(prefix=".export-", dir=out) as scratch:
            whole = Path(scratch) / "model"
            archive.write_out(str(whole), verbose=False)
            whole.rename(version)
    except OSError as error:
        raise disk_error(error, out / "saved_model.pb") from None
    except tf.errors.ResourceExhaustedError:
        # TensorFlow's own name for a full disk.
        full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        raise disk_error(full, out / "variables") from None
    return version


def _next_version(out: Path) -> int:
    numbers = [int(path.name) for path in out.iterdir() if path.name.isdecimal()]
    return max(numbers, default=0) + 1
