"""A trained network as ONNX."""

from pathlib import Path

from keras_alexnet.export.example import picture_example
from keras_alexnet.export.format import Format
from keras_alexnet.export.network_folder import card_of, exported_folder
from keras_alexnet.export.onnx_graph import onnx_graph
from keras_alexnet.inference.runtimes.onnx import open_network
from keras_alexnet.trained.card import card_text
from keras_alexnet.trained.names import CARD, ONNX_FILE
from keras_alexnet.trained.network import TrainedNetwork

ONNX = Format(
    "onnx",
    ONNX_FILE,
    "ONNX, opset 17",
    "onnxruntime pillow",
    lambda network: picture_example(
        network,
        "import onnxruntime",
        f'session = onnxruntime.InferenceSession("{ONNX_FILE}")\n'
        'probabilities, logits = session.run(None, {"images": images})',
        "NCHW",
    ),
    lambda path, network: open_network(path),
    layout="NCHW",
)


def export(
    network: TrainedNetwork, out: Path | str, *, views: int = 1, top: int = 5
) -> Path:
    """Write a network folder whose network is `network.onnx`; see `onnx_graph`.

    The metadata has the `card`, as a `.safetensors` of ours does.

    Args are those of `litert.export`; it returns the folder.

    Raises:
        UserError: The network has no Keras model, or no form in ONNX; the packages
            `onnx` and `onnxruntime` are missing; the file gives other answers; or the
            folder holds something or cannot be written.
    """
    metadata = {CARD: card_text(card_of(network))}
    graph = onnx_graph(network.model, metadata=metadata)
    with exported_folder(network, out, ONNX, views=views, top=top) as path:
        path.write_bytes(graph.SerializeToString(deterministic=True))
    return Path(out)
