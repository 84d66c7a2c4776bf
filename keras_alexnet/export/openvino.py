"""A trained network as OpenVINO's intermediate representation."""

from pathlib import Path

from keras_alexnet.export.example import picture_example
from keras_alexnet.export.format import Format
from keras_alexnet.export.network_folder import exported_folder
from keras_alexnet.inference.runtimes.openvino import model_graph, open_network
from keras_alexnet.trained.names import OPENVINO_FILE
from keras_alexnet.trained.network import TrainedNetwork

# Said in the example too: of itself OpenVINO takes bfloat16 where the processor has it.
OPENVINO = Format(
    "openvino",
    OPENVINO_FILE,
    "OpenVINO, float32",
    "openvino pillow",
    lambda network: picture_example(
        network,
        "import openvino",
        'exact = {"INFERENCE_PRECISION_HINT": "f32"}\n'
        f'run = openvino.Core().compile_model("{OPENVINO_FILE}", "CPU", exact)\n'
        'probabilities = run(images)["probabilities"]',
    ),
    lambda path, network: open_network(path),
)


def export(
    network: TrainedNetwork, out: Path | str, *, views: int = 1, top: int = 5
) -> Path:
    """Write a network folder whose network is `network.xml` and `network.bin`.

    It takes `images`, float32 `(batch, size, size, 3)`, and gives `probabilities`. The
    weights are float32: what OpenVINO writes of itself has 16 bits.

    Args are those of `litert.export`; it returns the folder.

    Raises:
        UserError: The network has no Keras model, the package `openvino` is missing,
            the file gives other answers, or the folder holds something or cannot be
            written.
    """
    graph = model_graph(network.model)
    import openvino  # which `model_graph` has found

    with exported_folder(network, out, OPENVINO, views=views, top=top) as path:
        openvino.save_model(graph, path, compress_to_fp16=False)
    return Path(out)
