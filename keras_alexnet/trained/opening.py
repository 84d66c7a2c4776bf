"""A run folder or an exported SavedModel as a function from pictures to classes."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from keras_alexnet.inference.runtimes.openvino import (
    OpenVINONetwork,
    Precision,
    Runtime,
)
from keras_alexnet.trained.names import CONFIG_FILE
from tfrecords.dataset.folder_names import check_model_folder
from tfrecords.dataset.labels import read_labels
from tfrecords.errors import DatasetError
from tfrecords.ranges import check_count

Network = Callable[[tf.Tensor], dict[str, Any]]


def load_network(
    model: Path | str,
    *,
    num_views: int = 1,
    top: int = 5,
    runtime: Runtime = "tensorflow",
    precision: Precision = "float32",
) -> Network:
    """Return a function from `image_bytes` to the outputs of `serving_default`.

    Args:
        model: A run folder, an exported folder, or one version in it.
        num_views: Views of a run folder's pictures; an export has its own.
        top: Classes that a run folder names; an export has its own number.
        runtime: tensorflow, or openvino for the network alone: pictures are decoded and
            cut by TensorFlow with both.
        precision: float32 or mixed_bfloat16. TensorFlow runs an export as it is.

    Raises:
        DatasetError: The folder is neither; its weights are not finite; an export is to
            run in TensorFlow in another precision, or in OpenVINO and lacks a signature
            for it; the package is missing.
    """
    check_count("top", top)
    model = Path(model)
    version = _newest_version(model)
    # An export may lie inside its run folder, which then is a run all the same.
    if version is None or (model / CONFIG_FILE).exists():
        return _batches(_run_network(model, num_views, top, runtime, precision))
    return _batches(_exported_network(version, runtime, precision))


def _batches(network: Network) -> Network:
    """Refuse in one line what is no batch."""

    def checked(image_bytes: tf.Tensor) -> dict[str, Any]:
        if image_bytes.shape.rank != 1:
            raise ValueError(
                "Expected a batch of pictures, strings of shape (batch,). "
                f"Received: shape {image_bytes.shape}"
            )
        return network(image_bytes)

    return checked


def _run_network(
    run: Path, num_views: int, top: int, runtime: Runtime, precision: Precision
) -> Network:
    # Only here, because an export needs no Keras, which takes a second to import.
    from keras_alexnet.inference.graph import ServedNetwork

    if not (run / CONFIG_FILE).exists():
        raise DatasetError(
            f"Expected a run folder or an exported model in {run}, found neither "
            f"{CONFIG_FILE} nor saved_model.pb."
        )
    if runtime == "tensorflow":
        served = ServedNetwork(run, num_views=num_views, top=top, precision=precision)
        return _traced(served.from_bytes, served.bytes_spec)
    served = ServedNetwork(run, num_views=num_views, top=top)
    preprocess = _traced(served.preprocess, served.bytes_spec)
    network = OpenVINONetwork(
        lambda images: served.portable(images)["probabilities"],
        served.model,
        served.model.input_shape[1],
        precision=precision,
    )
    return _openvino_answers(preprocess, network, served.labels, served.top)


def _traced(function: Network, spec: tf.TensorSpec) -> Network:
    return tf.function(function, input_signature=[spec], autograph=False)


def _exported_network(version: Path, runtime: Runtime, precision: Precision) -> Network:
    check_model_folder(version)
    loaded = tf.saved_model.load(str(version))
    _check_signatures(version, loaded.signatures, runtime)
    if not all(map(_is_finite, loaded.signatures["serving_default"].variables)):
        raise DatasetError(
            f"The exported model {version} is of no use: its weights are not finite, "
            "so the training has diverged. Export another run."
        )
    signatures = loaded.signatures
    if runtime == "tensorflow":
        if precision != "float32":
            raise DatasetError(
                f"Expected precision float32 for the exported model {version}, got "
                f"{precision}. Take --runtime openvino or the run folder for it."
            )
        serving = signatures["serving_default"]

        # The loaded object has to outlive its signature: it owns the variables.
        def network(image_bytes: tf.Tensor, owner: Any = loaded) -> dict[str, Any]:
            return serving(image_bytes=image_bytes)

        return network
    portable, serving = signatures["portable"], signatures["serving_default"]
    openvino = OpenVINONetwork(
        lambda images: portable(images=images)["probabilities"],
        loaded,
        portable.structured_input_signature[1]["images"].shape[1],
        precision=precision,
    )
    return _openvino_answers(
        lambda image_bytes: signatures["preprocess"](image_bytes=image_bytes),
        openvino,
        read_labels(version / "assets"),
        serving.structured_outputs["classes"].shape[1],
    )


def _is_finite(variable: tf.Variable) -> bool:
    return not variable.dtype.is_floating or np.isfinite(variable.numpy()).all()


def _check_signatures(
    version: Path, signatures: Mapping[str, Any], runtime: Runtime
) -> None:
    more = () if runtime == "tensorflow" else ("preprocess", "portable")
    for name in ("serving_default", *more):
        if name not in signatures:
            raise DatasetError(
                f"Expected a signature {name!r} in {version}, found "
                f"{', '.join(sorted(signatures)) or 'none'}: it is an older export, or "
                "no export of ours. Make a new one with: alexnet export RUN OUT."
            )


def _openvino_answers(
    preprocess: Network, network: OpenVINONetwork, names: Sequence[str], top: int
) -> Network:
    """Return what `serving_default` does, with another runtime in its middle."""

    encoded = np.array([n.encode("utf-8", "surrogateescape") for n in names], object)

    def answer(image_bytes: tf.Tensor) -> dict[str, Any]:
        probabilities = network(preprocess(image_bytes)["images"].numpy())
        # Ties go to the smaller class, as they do in TensorFlow.
        classes = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
        return {
            "probabilities": probabilities,
            "classes": classes.astype(np.int32),
            "scores": np.take_along_axis(probabilities, classes, axis=1),
            "labels": encoded[classes],
        }

    return answer


def _newest_version(model: Path) -> Path | None:
    """Return the folder of a SavedModel, the newest where there are several."""
    if (model / "saved_model.pb").exists():
        return model
    versions = [p for p in model.glob("*/saved_model.pb") if p.parent.name.isdecimal()]
    return max(
        (path.parent for path in versions), key=lambda p: int(p.name), default=None
    )
