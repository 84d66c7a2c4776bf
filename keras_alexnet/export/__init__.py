"""Networks that run where none of our code is: a file a format."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from keras_alexnet.keras_settings import check_backend
from keras_alexnet.registry import Registry

check_backend()

# `export(network: TrainedNetwork, out: Path, *, views, top) -> Path` returns what it
# wrote.
EXPORTERS: Registry[Callable[..., Path]] = Registry(
    "export format",
    {
        "saved_model": "keras_alexnet.export.saved_model:export",
        "keras": "keras_alexnet.export.keras:export",
        "litert": "keras_alexnet.export.litert:export",
        "litert-dynamic": "keras_alexnet.export.litert:export_dynamic",
        "litert-int8": "keras_alexnet.export.litert:export_int8",
        "onnx": "keras_alexnet.export.onnx:export",
        "openvino": "keras_alexnet.export.openvino:export",
        "safetensors": "keras_alexnet.export.safetensors:export",
    },
)

if TYPE_CHECKING:
    ExporterName = str
else:
    ExporterName = Literal[tuple(EXPORTERS)]  # what the command line takes
