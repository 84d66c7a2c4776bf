"""Compare imported networks with those that others make of the same file of weights.

    python -m tests.tools.imported_weights PICTURES [--torch OUT] [--json FILE]

Caffe's two networks, random weights at full size, with OpenCV: every layer, and the
whole path from the file. With --torch, torchvision's network with torch, whose answers
`tests/tools/torch_answers.py` wrote to OUT.
"""

import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np
import tyro
from PIL import Image

from keras_alexnet import load
from keras_alexnet.data.pixels import decode_pixels
from keras_alexnet.inference.features import layer_outputs
from keras_alexnet.presets import PRESETS
from keras_alexnet.record import Figure, MeasureOptions, Record, print_measured
from keras_alexnet.trained.network import TrainedNetwork
from keras_alexnet.weights.importing import import_weights
from tests.keras_alexnet.weights import caffe_files

MEAN = np.float32([123, 117, 104])  # Caffe's colour, RGB
STD = 255 * np.float32([0.229, 0.224, 0.225])  # torchvision's
SIDE, STORED, CLASSES = 227, 256, 1000  # of Caffe's networks, pixels


@dataclass(frozen=True)
class ImportedOptions(MeasureOptions):
    """Compare imported networks with what others make of the same weights."""

    pictures: tyro.conf.Positional[Path]
    """Folder of JPEGs, with folders in it."""
    torch: Path | None = None
    """Folder that torch_answers.py wrote."""
    count: int = 20
    """Pictures, spread over the folder."""


def measure(options: ImportedOptions) -> Record:
    """Return the largest differences, over the largest value of each blob."""
    files = sorted(path for path in options.pictures.rglob("*") if path.is_file())
    chosen = files[:: max(1, len(files) // options.count)][: options.count]
    figures, notes = [], []
    with tempfile.TemporaryDirectory() as folder:
        for preset in caffe_files.ORDERS:
            figures += opencv_figures(preset, chosen, Path(folder) / preset)
        if options.torch is not None:
            found, versions = torch_figures(options.torch, Path(folder) / "torch")
            figures, notes = figures + found, [versions]
    import cv2

    notes += [f"OpenCV {cv2.__version__}; random weights, {len(chosen)} pictures"]
    title = "Imported weights: largest difference over the largest value of a blob"
    return Record.now("weights", title, figures, notes, asdict(options))


def opencv_figures(preset: str, files: list[Path], folder: Path) -> list[Figure]:
    """Return how far one of Caffe's networks is from OpenCV's, layer by layer."""
    names = caffe_files.layers_of(preset)
    theirs = _write_caffe(preset, names, folder)
    import_weights(folder / "net.caffemodel", folder / "net")
    network = load(folder / "net")
    shown = [name for name in names if not name.startswith(("conv", "fc"))] + ["fc8"]
    blocks = {name: "fc" if name > "relu5" else "conv" for name in shown}
    layers = network.layers([name.replace("relu", blocks[name]) for name in shown])
    ours = keras.Model(network.model.input, layer_outputs(network.model, layers))
    blobs = {name: [] for name in shown}
    whole, same = [], 0
    for file in files:
        images = network.preprocessing.images(np.array([file.read_bytes()]))
        values = [tensor.numpy() for tensor in ours(images, training=False)]
        answers = theirs(images.numpy()[0], shown)
        for name, value, other in zip(shown, values, answers, strict=True):
            value = value.transpose(0, 3, 1, 2) if value.ndim == 4 else value
            blobs[name].append(difference(value, other))
        (logits,) = theirs(warped(file), ["fc8"])
        whole.append(difference(values[-1], logits))
        same += int(values[-1].argmax() == logits.argmax())
    worst = max(blobs, key=lambda name: max(blobs[name]))
    return [
        Figure(f"{preset}, worst blob", max(blobs[worst]), "", f"{worst}, of OpenCV"),
        Figure(f"{preset}, fc8", max(blobs["fc8"]), "", "of OpenCV"),
        Figure(
            f"{preset}, fc8, each from the file",
            max(whole),
            "",
            f"OpenCV with Pillow's antialiased warp; top-1 equal for {same} of "
            f"{len(files)}",
        ),
    ]


def torch_figures(answers: Path, folder: Path) -> tuple[list[Figure], str]:
    """Return how far torchvision's network is from torch, and the versions of it."""
    import_weights(answers / "alexnet.pth", folder)
    network = load(folder)
    with np.load(answers / "answers.npz") as file:
        images, logits = file["images"].transpose(0, 2, 3, 1) * STD, file["logits"]
        files, versions = (
            [Path(name) for name in file["pictures"]],
            str(file["versions"]),
        )
    contents = np.array([path.read_bytes() for path in files])
    own = network.preprocessing.images(contents).numpy()
    same = difference(_logits(network, images), logits)
    whole = _logits(network, own)
    equal = (whole.argmax(1) == logits.argmax(1)).sum()
    far = np.abs(own - images)
    pairs = [
        (decode_pixels(text).numpy(), read(name))
        for text, name in zip(contents, files, strict=True)
    ]
    decoded = max(np.abs(a.astype(int) - b).max() for a, b in pairs)
    return [
        Figure("one_weird_trick, logits of torch's own images", same, "", "of torch"),
        Figure("decoded JPEGs, largest difference to Pillow's", int(decoded), "of 255"),
        Figure(
            "images, each from the file, largest",
            float(far.max()),
            "of 255",
            "Pillow rounds after each of its two passes, the graph once",
        ),
        Figure("images, each from the file, mean", float(far.mean()), "of 255"),
        Figure(
            "one_weird_trick, logits, each from the file",
            difference(whole, logits),
            "",
            f"torchvision's transforms; top-1 equal for {equal} of {len(files)}",
        ),
    ], versions


def warped(file: Path) -> np.ndarray:
    """Return the centre of a picture that Pillow warped, minus Caffe's mean."""
    square = Image.fromarray(read(file)).resize((STORED,) * 2, Image.BILINEAR)
    low = (STORED - SIDE) // 2
    return np.asarray(square, np.float32)[low : low + SIDE, low : low + SIDE] - MEAN


def read(file: Path | str) -> np.ndarray:
    """Return the pixels of a picture as Pillow decodes it, RGB."""
    return np.asarray(Image.open(file).convert("RGB"))


def difference(value: np.ndarray, other: np.ndarray) -> float:
    """Return the largest difference over the largest value of the other."""
    return float(np.abs(value - other).max() / np.abs(other).max())


def _logits(network: TrainedNetwork, images: np.ndarray) -> np.ndarray:
    return network.model(images, training=False).numpy()


def _write_caffe(preset: str, names: list[str], folder: Path) -> Callable:
    """Write a file of weights; return OpenCV's network of it, image to blobs."""
    import cv2

    folder.mkdir()
    tensors = caffe_files.random_tensors(PRESETS[preset], CLASSES)
    (folder / "net.caffemodel").write_bytes(
        caffe_files.caffemodel(tensors, names, "V1")
    )
    text = caffe_files.prototxt(preset, PRESETS[preset], CLASSES)
    (folder / "net.prototxt").write_text(text)
    read = (str(folder / f"net.{ending}") for ending in ("prototxt", "caffemodel"))
    theirs = cv2.dnn.readNetFromCaffe(*read)

    def blobs(image: np.ndarray, shown: list[str]) -> list[np.ndarray]:
        theirs.setInput(np.ascontiguousarray(image[..., ::-1].transpose(2, 0, 1)[None]))
        return theirs.forward(shown)

    return blobs


if __name__ == "__main__":
    print_measured(measure)
