"""A trained network as a SavedModel, which needs none of our code."""

import errno
import os
import tempfile
from pathlib import Path

import keras
import tensorflow as tf

from keras_alexnet.export.format import Format
from keras_alexnet.export.network_folder import describe_export
from keras_alexnet.export.pictures import current_pictures
from keras_alexnet.inference.graph import ClassifierGraph
from keras_alexnet.inference.runtimes.tensorflow import open_network
from keras_alexnet.trained.names import EXTRA
from keras_alexnet.trained.network import TrainedNetwork
from keras_alexnet.trained.new_folder import write_facts
from tfrecords.dataset.folder_names import check_model_folder
from tfrecords.files import disk_error
from tfrecords.result_files import check_folder

_EXAMPLE = """\
import tensorflow as tf

model = tf.saved_model.load(".")
pictures = [tf.io.read_file("picture.jpg")]
answer = model.signatures["serving_default"](image_bytes=tf.stack(pictures))
for label, score in zip(answer["labels"][0].numpy(), answer["scores"][0].numpy()):
    print(f"{score:.4f} {label.decode()}")
"""
SAVED_MODEL = Format(
    "saved_model",
    "saved_model.pb",
    "SavedModel",
    "tensorflow",
    lambda network: _EXAMPLE,
    lambda path, network: open_network(tf.saved_model.load(str(path))),
)


def export(
    network: TrainedNetwork, out: Path | str, *, views: int = 1, top: int = 5
) -> Path:
    """Write the next version of an exported model, `OUT/1`, `OUT/2` and so on.

    `serving_default` takes `image_bytes` and gives `probabilities`, `classes`, `scores`
    and `labels`; `images` takes preprocessed float images and gives the same;
    `features` takes `image_bytes` and gives activations. Preprocessing is in the graph
    and the class names are an asset, `assets/labels.txt`. For other runtimes,
    `preprocess` takes `image_bytes` and gives `images`, and `portable` takes
    preprocessed images and gives `probabilities` in operations that converters know.
    `assets.extra` tells `keras_alexnet.load` what the network is.

    Args:
        network: With a Keras model, so no export.
        out: Folder of the exported model, as TensorFlow Serving expects it.
        views: 1 for the centre, 10 for the mean over ten views (section 4.1).
        top: Number of classes to name.

    Returns:
        The version folder.

    Raises:
        UserError: The network has no Keras model, or the folder cannot be written, or
            not be read back by TensorFlow because of its name.
    """
    out = Path(out)
    check_model_folder(out)
    check_folder(out.absolute(), out)
    # Its file of names is copied at the end, and has to be there until then.
    graph = ClassifierGraph(
        network.model, network.labels, network.preprocessing, num_views=views, top=top
    )
    archive, pictures = _archive(graph), current_pictures(network)
    try:
        out.mkdir(parents=True, exist_ok=True)
        version = out / str(_next_version(out))
        # Beside its place, so that a server never sees half of a version.
        with tempfile.TemporaryDirectory(prefix=".export-", dir=out) as scratch:
            whole = Path(scratch) / "model"
            archive.write_out(str(whole), verbose=False)
            (whole / EXTRA).mkdir()
            facts = (network.labels, network.config, network.statistics)
            write_facts(whole / EXTRA, *facts)
            describe_export(whole, SAVED_MODEL, pictures, whole)
            whole.rename(version)
    except OSError as error:
        raise disk_error(error, out / "saved_model.pb") from None
    except tf.errors.ResourceExhaustedError:
        # TensorFlow's own name for a full disk.
        full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        raise disk_error(full, out / "variables") from None
    return version


def _archive(graph: ClassifierGraph) -> keras.export.ExportArchive:
    archive = keras.export.ExportArchive()
    archive.track(graph.names)
    archive.add_endpoint("serving_default", graph.from_bytes, [graph.bytes_spec])
    archive.add_endpoint("images", graph.from_images, [graph.image_spec])
    archive.add_endpoint("features", graph.features, [graph.bytes_spec])
    archive.add_endpoint("preprocess", graph.preprocess, [graph.bytes_spec])
    archive.add_endpoint("portable", graph.portable, [graph.image_spec])
    return archive


def _next_version(out: Path) -> int:
    numbers = [int(path.name) for path in out.iterdir() if path.name.isdecimal()]
    return max(numbers, default=0) + 1
