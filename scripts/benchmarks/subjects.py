"""What is compared: systems at the same work, as tables."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import tyro

from keras_alexnet.benchmark import operations
from keras_alexnet.benchmark.operations import MATRIX_OPERATIONS
from keras_alexnet.models.layer_table import layer_table
from keras_alexnet.record import MeasureOptions
from scripts.benchmarks.environment import Environment, own_environment
from scripts.benchmarks.limits import READ_BYTES
from scripts.benchmarks.system import Subject, System
from tfrecords import Manifest
from tfrecords.errors import UserError

OURS, OURS_FLOAT32 = "ours", "ours in float32"
OURS_OPENVINO = "ours, runtime openvino"
# As `fit` takes them: the mean is subtracted where the network is.
OURS_CROPS, OURS_RAW = "ours, uint8 crops", "ours, uint8 crops of raw shards"
STEP_ALONE, PIPELINE_ALONE = "ours, step alone", "ours, pipeline alone"
STOCK, EAGER, COMPILED, JAX = "stock Keras", "PyTorch", "torch.compile", "JAX"
ONNX, OPENVINO, LITERT = "ONNX Runtime", "OpenVINO", "LiteRT"
TORCHVISION, KERAS_LAYERS, TFDS = "torchvision", "Keras layers", "tensorflow-datasets"
DALI, FFCV = "DALI", "FFCV"
MATRIX, MEMORY, LIBJPEG = "matrix product", "reading memory", "libjpeg"

PRECISIONS = ("float32", "mixed_bfloat16")
# The others have no bfloat16 on such processors; float32 is its own yardstick.
ONLY_IN = {OURS_FLOAT32: "mixed_bfloat16", ONNX: "float32", LITERT: "float32"}
BATCH_SIZES = {"step": (128,), "inference": (1, 64), "input": (128,), "fit": (64,)}
CHECKED_STEPS = 2  # after which all must give the same logits
FEWEST_BATCHES = 4  # of a measurement of input


@dataclass(frozen=True)
class Entry:
    """A row of `SYSTEMS`."""

    name: str  # for tables
    program: str  # module in this folder
    kind: str = "peer"  # of `System`
    # That the peers' environment must have; () runs in ours.
    packages: tuple[str, ...] = ()
    # Of its job, beside those of all.
    fields: dict[str, Any] = field(default_factory=dict)


def _ours(name: str, kind: str = "ours", **fields: Any) -> Entry:
    return Entry(name, "ours", kind, fields=fields)


def _peer(name: str, program: str, *packages: str, **fields: Any) -> Entry:
    return Entry(name, f"peers.{program}", packages=packages, fields=fields)


_EAGER = _peer(EAGER, "torch", "torch", compile=False)
_COMPILED = _peer(COMPILED, "torch", "torch", compile=True)
_LIMITS = (
    Entry(MATRIX, "limits", "limit", fields={"limit": "matrix"}),
    Entry(MEMORY, "limits", "limit", fields={"limit": "memory"}),
)
# Subject -> who is at it; the first is ours, beside which the others are measured.
# Eight-bit integers, which some peers have and ours has not, are left out.
SYSTEMS: dict[str, tuple[Entry, ...]] = {
    "step": (
        _ours(OURS),
        _ours(OURS_FLOAT32, "yardstick", precision="float32"),
        _peer(STOCK, "stock_keras"),
        _EAGER,
        _COMPILED,
        _peer(JAX, "jax", "jax"),
        *_LIMITS,
    ),
    "inference": (
        _ours(OURS, runtime="tensorflow"),
        _ours(OURS_OPENVINO, runtime="openvino"),
        _EAGER,
        _COMPILED,
        _peer(OPENVINO, "openvino", "openvino"),
        _peer(ONNX, "onnx", "onnx", "onnxruntime"),
        _peer(LITERT, "litert", "ai-edge-litert"),
        *_LIMITS,
    ),
    "input": (
        _ours(OURS, data="shards", floats=True),
        _ours(OURS_CROPS, data="shards", floats=False),
        _ours(OURS_RAW, data="raw", floats=False),
        _peer(TORCHVISION, "torch", "torch", "torchvision"),
        _peer(KERAS_LAYERS, "stock_keras"),
        _peer(TFDS, "tfds"),
        _peer(DALI, "dali", "nvidia-dali-cuda120"),
        _peer(FFCV, "ffcv", "ffcv"),
        _ours(LIBJPEG, "limit", data="tree"),
    ),
    "fit": (
        _ours(OURS, work="fit"),
        _ours(STEP_ALONE, "yardstick", work="step"),
        _ours(PIPELINE_ALONE, "yardstick", work="pipeline"),
        _peer(EAGER, "torch", "torch", "torchvision"),
    ),
}


@dataclass(frozen=True)
class CompareOptions(MeasureOptions):
    """Measure ours beside other systems that do the same."""

    kind: tyro.conf.Positional[
        Literal["step", "inference", "input", "fit", "scaling", "all"]
    ]
    """What to measure."""
    data: Path | None = None
    """Dataset folder with 256 x 256 JPEGs; input and fit need one."""
    precisions: tuple[Literal["float32", "mixed_bfloat16"], ...] = ("float32",)
    """Of step, inference and fit, one after the other."""
    batch_sizes: tuple[int, ...] | None = None
    """Images in a call; None: 128 for step and input, 1 and 64 for inference, 64 for
    fit."""
    rounds: int = 5
    """Measurements of each."""
    seconds: float = 1.0
    """Least duration of a measurement of step and inference."""
    pictures: int = 2048
    """Pictures of input, and of scaling's smallest build."""
    steps: int = 20
    """Training steps of a measurement of fit."""
    only: tuple[str, ...] | None = None
    """Names of the systems to take, as tables have them; None: all."""
    cores: int | None = None
    """Processor cores to use; None: all, and one for input."""
    classes: int = 1000
    """Outputs of the network of step, inference and scaling."""
    input_size: int = 224
    """Side of its pictures in pixels."""
    units: int = 4096
    """Units of its fc6 and fc7."""
    environment: Path = Path("build/peers")
    """Folder of the peers' virtual environment; made on first use."""
    scratch: Path | None = None
    """Folder for weights and pictures, up to 2 GB; None: a temporary one."""


@dataclass(frozen=True)
class Settings:
    """What all subjects are told."""

    options: CompareOptions  # as they were given
    environment: Environment  # of the peers
    folder: Path  # scratch; big files stay there
    cores: tuple[int, ...]  # numbers of the processor cores that each may use

    def job(self, subject: str, precision: str, batch_size: int) -> dict[str, Any]:
        """Return what the program of every system reads."""
        return {
            "subject": subject,
            "classes": self.options.classes,
            "side": self.options.input_size,
            "overrides": {"units": self.options.units},
            "precision": precision,
            "batch_size": batch_size,
            "threads": len(self.cores),
            "seconds": self.options.seconds,
            "steps": CHECKED_STEPS,
            "dropout": 0.5,
            "rate": 0.00001,  # two steps move the loss by a hundredth
            "bias_rate": 1.0,  # stock Keras knows no other
            "decay": 0.0005,
        }


def subjects(kind: str, settings: Settings) -> Iterator[Subject]:
    """Yield a subject for each precision and batch size; write what they need."""
    options, facts = settings.options, _facts(kind, settings)
    asked = ("float32",) if kind == "input" else options.precisions
    for precision in (each for each in PRECISIONS if each in asked):
        for batch in options.batch_sizes or BATCH_SIZES[kind]:
            job = {**settings.job(kind, precision, batch), **facts}
            if kind == "input":
                job["calls"] = max(FEWEST_BATCHES, options.pictures // batch)
            systems = tuple(
                _system(entry, job, settings.environment)
                for place, entry in enumerate(SYSTEMS[kind])
                if ONLY_IN.get(entry.name, precision) == precision
                and (options.only is None or place == 0 or entry.name in options.only)
            )
            yield Subject(kind, precision, batch, systems, _demands(job))


def _system(entry: Entry, job: dict[str, Any], environment: Environment) -> System:
    amount = job["batch_size"] * (job["calls"] if job["subject"] == "fit" else 1)
    if entry.program == "limits":
        amount = MATRIX_OPERATIONS if entry.name == MATRIX else READ_BYTES
    return System(
        entry.name,
        environment.python if entry.packages else own_environment(),
        f"scripts.benchmarks.{entry.program}",
        {**job, **entry.fields},
        entry.kind,
        float(amount),
        environment.absent(*entry.packages),
    )


def _demands(job: dict[str, Any]) -> dict[str, float]:
    """Return what a call needs at least of what the machine can do."""
    kind, batch, classes = job["subject"], job["batch_size"], job["classes"]
    if kind == "input":
        return {LIBJPEG: batch}
    if kind == "fit":
        return {}
    from scripts.benchmarks.exports import preset_of

    network = preset_of(job)
    if kind == "step":
        return {MATRIX: batch * operations.step_operations(network, classes)}
    table = layer_table(network, classes)
    width = 4 if job["precision"] == "float32" else 2
    # The weights are read once at least.
    return {
        MATRIX: batch * operations.forward_operations(network, classes),
        MEMORY: width * sum(layer.parameters for layer in table.values()),
    }


def _facts(kind: str, settings: Settings) -> dict[str, Any]:
    """Write the files of a subject; return what its jobs say of them."""
    from scripts.benchmarks import exports, pictures

    folder, job = settings.folder, settings.job(kind, "float32", 1)
    if kind in ("step", "inference"):
        files = exports.write_network(job, folder)
        if kind == "inference":
            files |= exports.write_exports({**job, **files}, folder)
        return files
    if settings.options.data is None:
        raise UserError(f"Expected --data DATASET for {kind}, got none.")
    manifest = Manifest.load(settings.options.data)
    wanted = settings.options.pictures if kind == "input" else manifest.count("train")
    tree, colours = folder / "tree", folder / "colours.npz"
    pictures.extract(settings.options.data, tree, wanted)
    pictures.write_colours(settings.options.data, colours, job["side"])
    found = {"tree": tree, "colours": colours, "shards": settings.options.data}
    facts: dict[str, Any] = {name: str(path) for name, path in found.items()}
    if kind == "input":
        pictures.build_raw(tree, folder / "raw")
        return {**facts, "raw": str(folder / "raw"), "stored": manifest.image_size}
    facts |= {"classes": manifest.num_classes, "calls": settings.options.steps}
    return facts | exports.write_network({**job, **facts}, folder)
