"""What is compared: systems at the same work, as tables."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import tyro

from keras_alexnet.benchmark.operations import (
    MATRIX_OPERATIONS,
    forward_operations,
    step_operations,
)
from keras_alexnet.models.layer_table import layer_table
from keras_alexnet.record import MeasureOptions
from scripts.benchmarks import exports, pictures
from scripts.benchmarks.limits import READ_BYTES
from scripts.benchmarks.system import Subject, System
from tfrecords import Manifest
from tfrecords.errors import UserError

# The others run in the peers' environment.
IN_OURS = ("ours", "limits", "peers.stock_keras", "peers.tfds")
# The others have no bfloat16 on such processors; float32 is its own yardstick.
ONLY_IN = {"ONNX Runtime": "float32", "LiteRT": "float32"}
ONLY_IN["ours in float32"] = "mixed_bfloat16"
BATCH_SIZES = {"step": (128,), "inference": (1, 64), "input": (128,), "fit": (64,)}
CHECKED_STEPS = 2  # after which all must give the same logits
FEWEST_BATCHES = 4  # of a measurement of input
# Of the limits that are not in images: what a call does, and the unit.
LIMITS = {
    "matrix product": (MATRIX_OPERATIONS / 1e9, "GFLOP/s"),
    "reading memory": (READ_BYTES / 1e9, "GB/s"),
}


class Entry(NamedTuple):
    """A row of `SYSTEMS`: what a `System` has, and what its job has beside all."""

    name: str
    program: str  # module in this folder
    kind: str = "peer"
    fields: dict[str, Any] = {}


_EAGER = Entry("PyTorch", "peers.torch", fields={"compile": False})
_COMPILED = Entry("torch.compile", "peers.torch", fields={"compile": True})
_MATRIX = Entry("matrix product", "limits", "limit", {"limit": "matrix"})
_MEMORY = Entry("reading memory", "limits", "limit", {"limit": "memory"})
# Subject -> who is at it; the first is ours, beside which the others are measured.
# Eight-bit integers, which some peers have and ours has not, are left out.
SYSTEMS = {
    "step": (
        Entry("ours", "ours", "ours"),
        Entry("ours in float32", "ours", "yardstick", {"precision": "float32"}),
        Entry("stock Keras", "peers.stock_keras"),
        *(_EAGER, _COMPILED, Entry("JAX", "peers.jax"), _MATRIX, _MEMORY),
    ),
    "inference": (
        Entry("ours", "ours", "ours", {"runtime": "tensorflow"}),
        Entry("ours, runtime openvino", "ours", "ours", {"runtime": "openvino"}),
        *(_EAGER, _COMPILED, Entry("OpenVINO", "peers.openvino")),
        Entry("ONNX Runtime", "peers.onnx"),
        *(Entry("LiteRT", "peers.litert"), _MATRIX, _MEMORY),
    ),
    # As `fit` takes crops, the mean is subtracted where the network is.
    "input": (
        Entry("ours", "ours", "ours", {"data": "shards", "floats": True}),
        Entry("ours, uint8 crops", "ours", "ours", {"data": "shards"}),
        Entry("ours, uint8 crops of raw shards", "ours", "ours", {"data": "raw"}),
        Entry("torchvision", "peers.torch"),
        Entry("Keras layers", "peers.stock_keras"),
        Entry("tensorflow-datasets", "peers.tfds"),
        Entry("DALI", "peers.dali"),
        Entry("FFCV", "peers.ffcv"),
        Entry("libjpeg", "ours", "limit", {"data": "tree"}),
    ),
    "fit": (
        Entry("ours", "ours", "ours", {"work": "fit"}),
        Entry("ours, step alone", "ours", "yardstick", {"work": "step"}),
        Entry("ours, pipeline alone", "ours", "yardstick", {"work": "pipeline"}),
        Entry("PyTorch", "peers.torch", fields={"bias_rate": 2.0}),
    ),
}


@dataclass(frozen=True)
class CompareOptions(MeasureOptions):
    """Measure ours beside other systems that do the same."""

    kind: tyro.conf.Positional[Literal["step", "inference", "input", "fit", "scaling"]]
    data: Path | None = None  # folder with 256 x 256 JPEGs, which input and fit need
    # Of step, inference and fit, one after the other.
    precisions: tuple[Literal["float32", "mixed_bfloat16"], ...] = ("float32",)
    batch_sizes: tuple[int, ...] = ()  # images in a call; none: as `BATCH_SIZES` says
    rounds: int = 5  # measurements of each
    seconds: float = 1.0  # least duration of a measurement of step and inference
    pictures: int = 2048  # of input, and of scaling's smallest build
    steps: int = 20  # of a measurement of fit
    only: tuple[str, ...] = ()  # systems to take, as tables name them; none: all
    input_size: int = 224  # side of the pictures in pixels
    units: int = 4096  # of fc6 and fc7
    environment: Path = Path("build/peers")  # of the peers; made on first use


@dataclass(frozen=True)
class Settings:
    """What all subjects are told."""

    options: CompareOptions  # as they were given
    folder: Path  # scratch, for weights and pictures of up to 2 GB
    cores: tuple[int, ...]  # numbers of the processor cores that each may use

    def job(self, subject: str, precision: str, batch_size: int) -> dict[str, Any]:
        """Return what the program of every system reads."""
        return {
            "subject": subject,
            "classes": 1000,
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


def subjects(settings: Settings) -> Iterator[Subject]:
    """Yield a subject for each precision and batch size; write what they need."""
    options, kind, facts = settings.options, settings.options.kind, _facts(settings)
    for precision in ("float32",) if kind == "input" else options.precisions:
        for batch in options.batch_sizes or BATCH_SIZES[kind]:
            job = {**settings.job(kind, precision, batch), **facts}
            if kind == "input":
                job["calls"] = max(FEWEST_BATCHES, options.pictures // batch)
            systems = [
                _system(entry, job, options.environment)
                for entry in SYSTEMS[kind]
                if ONLY_IN.get(entry.name, precision) == precision
                and (not options.only or entry.name in (*options.only, "ours"))
            ]
            cores, demands = settings.cores, _demands(job)
            yield Subject(kind, precision, batch, systems, cores, demands)


def _system(entry: Entry, job: dict[str, Any], environment: Path) -> System:
    own = entry.program in IN_OURS
    python = Path(sys.executable) if own else environment / "bin" / "python"
    images = job["batch_size"] * (job["calls"] if job["subject"] == "fit" else 1)
    amount, unit = LIMITS.get(entry.name, (images, "images/s"))
    program, fields = f"scripts.benchmarks.{entry.program}", {**job, **entry.fields}
    return System(entry.name, python, program, fields, entry.kind, amount, unit)


def _demands(job: dict[str, Any]) -> dict[str, float]:
    """Return what a call needs at least of what the machine can do."""
    kind, batch = job["subject"], job["batch_size"]
    if kind in ("input", "fit"):
        return {"libjpeg": batch} if kind == "input" else {}
    network = exports.preset_of(job), job["classes"]
    if kind == "step":
        return {"matrix product": batch * step_operations(*network) / 1e9}
    width = 4 if job["precision"] == "float32" else 2
    read = width * sum(layer.parameters for layer in layer_table(*network).values())
    # The weights are read once at least.
    products = batch * forward_operations(*network)
    return {"matrix product": products / 1e9, "reading memory": read / 1e9}


def _facts(settings: Settings) -> dict[str, Any]:
    """Write the files of a subject; return what its jobs say of them."""
    options, folder, kind = settings.options, settings.folder, settings.options.kind
    job = settings.job(kind, "float32", 1)
    if kind in ("step", "inference"):
        files = exports.write_network(job, folder)
        if kind == "inference":
            files |= exports.write_exports({**job, **files}, folder)
        return files
    if options.data is None:
        raise UserError(f"Expected --data DATASET for {kind}, got none.")
    manifest = Manifest.load(options.data)
    wanted = options.pictures if kind == "input" else manifest.count("train")
    tree, colours = folder / "tree", folder / "colours.npz"
    pictures.extract(options.data, tree, wanted)
    pictures.write_colours(options.data, colours, job["side"])
    facts = {"tree": str(tree), "colours": str(colours), "shards": str(options.data)}
    if kind == "input":
        pictures.build_raw(tree, folder / "raw")
        return {**facts, "raw": str(folder / "raw"), "stored": manifest.image_size}
    facts |= {"classes": manifest.num_classes, "calls": options.steps}
    return facts | exports.write_network({**job, **facts}, folder)
