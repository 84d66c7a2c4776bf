"""What the networks of a report are."""

from typing import Any

from keras_alexnet.models.description import describe_network
from keras_alexnet.report.reported_run import ReportedRun
from keras_alexnet.trained.names import CONFIG_FILE
from tfrecords.errors import UserError


def model_card(run: ReportedRun) -> dict[str, Any]:
    """Return the facts of a network, and its layers."""
    network = run.network
    preset, labels = network.config.preset, network.labels
    told = describe_network(preset, len(labels))
    return {
        "run": run.name,
        "preset": preset.name,
        "description": preset.description,
        "parameters": told["parameters"],
        "macs": told["macs"],
        "size": preset.input_size,
        "classes": len(labels),
        "runtime": network.runtime,
        "digest": _digest(run),
        "layers": [each for each in told["layers"] if each["parameters"]],
    }


def _digest(run: ReportedRun) -> str:
    """Return the SHA-256 of the weights' file; empty of an export."""
    if not (run.network.path / CONFIG_FILE).exists():
        return ""
    # Here, because an export needs no Keras.
    from keras_alexnet.trained.folder import network_digest

    try:
        return network_digest(run.network.path)
    except UserError:
        return ""
