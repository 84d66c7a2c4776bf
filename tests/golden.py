"""Digests of what small builds, streams and trainings give, to the last bit.

`python -m tests.golden` writes them to golden.json. Those of trainings depend on the
processor's kernels, and are kept for each processor that they were recorded on.
"""

import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Any

import keras
import numpy as np
from PIL import Image

import tfrecords
from keras_alexnet.data import training_batches
from tests import small

FILE = Path(__file__).with_name("golden.json")
SEED = 2012
DATASETS: dict[str, dict[str, Any]] = {
    "folder": {"size": small.STORED, "shards": 2},
    "raw": {"size": 32, "shards": 1, "encoding": "raw"},
    "digits": {"size": 16, "shards": 1, "limit": 20},
}
# One thread, so that no sum depends on the number of cores; the same kernels each time.
ENVIRONMENT = {
    **{"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"},
    **{"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"},
    **{"TF_ENABLE_ONEDNN_OPTS": "1", "ONEDNN_MAX_CPU_ISA": "DEFAULT"},
}
PROCESSOR = ("model name", "cpu family", "model", "cache size")
INSTRUCTIONS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16")
CODE = """
import json, sys
from keras_alexnet.cli import main
raise SystemExit(any(main(words) for words in json.loads(sys.argv[1])))
"""
# Options of the commands that train one run, one after the other. Towers come first:
# a process cannot be given logical devices later.
RUNS = {
    "towers": [["--epochs", "2", "--strategy", "towers", "--logical-devices", "2"]],
    "one piece": [["--epochs", "2"]],
    "resumed": [["--epochs", "1"], ["--epochs", "2"]],
}


def build_datasets(root: Path, seed: int = SEED) -> dict[str, Path]:
    """Build a folder of pictures, the same as pixels, and the embedded digits."""
    tree = _write_pictures(root / "tree", seed)
    for name, own in DATASETS.items():
        source = "digits" if name == "digits" else tree
        options = {**own, "name": name, "validation_fraction": 0.25, "processes": 1}
        tfrecords.build(source, root / name, seed=seed, progress=False, **options)
    return {name: root / name for name in DATASETS}


def dataset_digests(data: Path) -> dict[str, str]:
    """Return the digests of shards, labels and statistics, and the fingerprint."""
    files = [*data.rglob("*.tfrecord*"), data / "labels.txt"]
    digests = {path.name: sha256(path.read_bytes()).hexdigest() for path in files}
    with np.load(data / "statistics.npz") as saved:
        arrays = dict(saved)
    grey = arrays["eigenvalues"][-1] < 1
    for name in ("eigenvalues", "stddevs", "eigenvectors"):
        # Last bits of LAPACK depend on the processor; of grey pictures, the vectors do.
        value = arrays.pop(name).round(8)
        arrays |= {} if grey else {name: value}
    digests["fingerprint"] = tfrecords.Manifest.load(data).fingerprint
    return digests | _digests(arrays)


def stream_digests(data: Path, seed: int = SEED) -> dict[str, str]:
    """Return the digests of the integers of two epochs of training batches."""
    options: dict[str, Any] = {"batch_size": 8, "input_size": small.INPUT, "epochs": 2}
    stream = training_batches(data, seed=seed, **options)
    batches = [(crops.images.numpy(), labels.numpy()) for crops, labels in stream]
    pictures, labels = (np.stack(arrays) for arrays in zip(*batches, strict=True))
    return _digests({"pictures": pictures, "labels": labels})


def train(data: Path, root: Path, seed: int = SEED) -> dict[str, Path]:
    """Train the small network, two epochs a kind, with the command line."""
    runs = {kind: root / kind for kind in RUNS}
    commands = []
    for kind, run in runs.items():
        small.make_run(data, run, seed=seed)  # it has no options for the sizes
        words = ["train", str(data), str(run), "--resume"]
        commands += [[*words, *options] for options in RUNS[kind]]
    command = [sys.executable, "-c", CODE, json.dumps(commands)]
    environ = os.environ | ENVIRONMENT
    done = subprocess.run(command, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return runs


def run_digests(run: Path) -> dict[str, str]:
    """Return the digests of a run's last state, best network and history, by array."""
    with np.load(max((run / "checkpoints").glob("*.npz"))) as saved:
        # The others hold the seconds of an epoch.
        arrays = {n: a for n, a in saved.items() if n not in ("state.json", "sha256")}
    network = keras.models.load_model(next(run.glob("*.keras")), compile=False)
    arrays |= {f"network/{v.path}": v.value.numpy() for v in network.weights}
    with open(run / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for name in rows[0].keys() - {"seconds"}:
        arrays[f"history/{name}"] = np.array([float(row[name]) for row in rows])
    return _digests(arrays)


def machine_key() -> str:
    """Name what the last bits of a training depend on: processor and versions."""
    file = Path("/proc/cpuinfo")
    text = file.read_text() if file.exists() else f"model name: {platform.processor()}"
    pairs = (line.partition(":")[::2] for line in text.split("\n\n")[0].splitlines())
    facts = {name.strip(): value.strip() for name, value in pairs}
    own = [f"{name} {facts[name]}" for name in PROCESSOR if name in facts]
    own += [name for name in INSTRUCTIONS if name in facts.get("flags", "").split()]
    own += [f"{name} {metadata.version(name)}" for name in ("tensorflow", "keras")]
    return ", ".join(own)


def record() -> None:
    """Write the values of this tree; trainings of other processors are kept."""
    known = json.loads(FILE.read_text())["runs"] if FILE.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        built = build_datasets(Path(folder))
        pictures = built["folder"]
        trained = train(pictures, Path(folder) / "runs")
        runs = {kind: run_digests(trained[kind]) for kind in ("one piece", "towers")}
        values = {
            "datasets": {name: dataset_digests(data) for name, data in built.items()},
            "stream": stream_digests(pictures),
            "runs": {**known, machine_key(): runs},
        }
    FILE.write_text(json.dumps(values, indent=1, sort_keys=True) + "\n")


def _write_pictures(root: Path, seed: int) -> Path:
    """Write PNGs of blocks, not compressed: zlib's bytes depend on the processor."""
    generator = np.random.default_rng(seed)
    for label, name in enumerate(small.CLASSES):
        (root / name).mkdir(parents=True)
        for number in range(16):
            blocks = generator.integers(0, 120, (4, 5, 3), np.uint8)
            blocks[..., 2 - label] += 100
            image = Image.fromarray(np.kron(blocks, np.ones((20, 18, 1), np.uint8)))
            image.save(root / name / f"{number:03d}.png", compress_level=0)
    return root


def _digests(arrays: Mapping[str, np.ndarray]) -> dict[str, str]:
    heads = {name: f"{a.dtype.str} {a.shape}\n".encode() for name, a in arrays.items()}
    return {n: sha256(heads[n] + a.tobytes()).hexdigest() for n, a in arrays.items()}


if __name__ == "__main__":
    record()
