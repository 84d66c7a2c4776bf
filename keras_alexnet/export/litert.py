"""A trained network for LiteRT (TensorFlow Lite), in float32 or with 8-bit weights."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from keras_alexnet.export.example import picture_example
from keras_alexnet.export.format import Format
from keras_alexnet.export.network_folder import exported_folder
from keras_alexnet.export.pictures import current_pictures
from keras_alexnet.inference.runtimes.litert import open_network
from keras_alexnet.layers.kernel_forms import NATIVE, use_forms
from keras_alexnet.trained.names import LITERT_FILE
from keras_alexnet.trained.network import TrainedNetwork
from tfrecords.errors import UserError

_BYTES = {"litert": 4}  # of a weight; else 1
_TITLES = {
    "litert": "LiteRT, float32",
    "litert-dynamic": "LiteRT, 8-bit weights",
    "litert-int8": "LiteRT, 8-bit weights and activations",
}


def _format(name: str) -> Format:
    return Format(
        name,
        LITERT_FILE,
        _TITLES[name],
        "ai-edge-litert pillow",
        lambda network: picture_example(
            network,
            "from ai_edge_litert.interpreter import Interpreter",
            f'run = Interpreter("{LITERT_FILE}").get_signature_runner()\n'
            'logits = run(images=images)["logits"]\n'
            "powers = np.exp(logits - logits.max())\n"
            "probabilities = powers / powers.sum()",
        ),
        lambda path, network: open_network(path),
        quantised=name != "litert",
    )


FORMATS = {name: _format(name) for name in _TITLES}


def export(
    network: TrainedNetwork, out: Path | str, *, views: int = 1, top: int = 5
) -> Path:
    """Write a network folder whose network is `network.tflite`, in float32.

    It takes `images`, float32 `(batch, size, size, 3)`, and gives `logits` and
    `probabilities`, with operations of LiteRT alone.

    Args:
        network: With a Keras model, so no export.
        out: A new or empty folder.
        views: 1; whoever runs the file averages views.
        top: 5, which says nothing either.

    Returns:
        The folder.

    Raises:
        UserError: The network has no Keras model, the package `ai-edge-litert` is
            missing, the file gives other answers, or the folder holds something or
            cannot be written.
    """
    return _export(network, out, "litert", views, top)


def export_dynamic(
    network: TrainedNetwork, out: Path | str, *, views: int = 1, top: int = 5
) -> Path:
    """Do as `export`, with weights of 8 bits: a quarter of the size.

    Activations stay float32, or are of 8 bits for the time of one product. Raises also
    where less than nine in ten pictures get the same likeliest class.
    """
    return _export(network, out, "litert-dynamic", views, top)


def export_int8(
    network: TrainedNetwork, out: Path | str, *, views: int = 1, top: int = 5
) -> Path:
    """Do as `export_dynamic`, with activations of 8 bits too, but at normalisations.

    `probabilities` are multiples of 1/256 then; the softmax of `logits` is finer, and
    is what is compared. Ranges of activations are measured on 200 pictures of the
    training split of the run's dataset, or of that which `use_pictures` gives. Raises
    also if there is none.
    """
    return _export(network, out, "litert-int8", views, top)


def _export(
    network: TrainedNetwork, out: Path | str, name: str, views: int, top: int
) -> Path:
    model = network.model
    with exported_folder(network, out, FORMATS[name], views=views, top=top) as path:
        calibrate = None
        if name == "litert-int8":
            calibrate = current_pictures(network).calibration
        path.write_bytes(_converted(model, name, calibrate))
    return Path(out)


def _converted(
    model: keras.Model, name: str, calibrate: Callable[[], np.ndarray] | None
) -> bytes:
    """Return the bytes of a file."""
    with tempfile.TemporaryDirectory() as folder, _silent():
        _save(model, folder)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            folder, signature_keys=["serving_default"]
        )
        # Without operations of TensorFlow: LiteRT alone has to run it.
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if name != "litert":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if calibrate is not None:
            images = calibrate()
            converter.representative_dataset = lambda: ([x[None]] for x in images)
        content = converter.convert()
    least = sum(weight.shape.num_elements() for weight in model.trainable_weights)
    if len(content) < least * _BYTES.get(name, 1):
        raise UserError(
            f"Expected a LiteRT file of at least {least * _BYTES.get(name, 1)} bytes, "
            f"one or four a weight, TensorFlow made one of {len(content)} bytes, "
            "without the weights. Nothing was written."
        )
    return content


def _save(model: keras.Model, folder: str) -> None:
    """Write a SavedModel of the operations that LiteRT has kernels for."""
    spec = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, name="images")

    def answer(images: tf.Tensor) -> dict[str, tf.Tensor]:
        with use_forms(NATIVE):  # inside: the endpoint is traced when it is written
            logits = model(images, training=False)
        # Of 8 bits, probabilities are multiples of 1/256: those of most classes are 0.
        return {"logits": logits, "probabilities": tf.nn.softmax(logits)}

    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serving_default", answer, [spec])
    archive.write_out(folder, verbose=False)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep TensorFlow's notes about the conversion, all of them harmless, to itself."""
    kept = os.dup(2)
    try:
        with open(os.devnull, "w") as nothing:
            os.dup2(nothing.fileno(), 2)
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
