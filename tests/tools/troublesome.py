"""Convert every picture under a folder in a child process of its own, and tabulate.

    python -m tests.tools.troublesome FOLDER --json results/build/troublesome.json

A child has a memory limit and a time limit. A file is converted, and then compared with
Pillow's own reading of it, resized; or it is rejected with its reason. The exit status
is 0 only if no child crashed, hung, or ran out of memory.
"""

import argparse
import io
import json
import os
import resource
import signal
import subprocess
import sys
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from keras_alexnet.record import Figure, Record
from tfrecords.images import decode, store
from tfrecords.images.options import FILTERS, ImageOptions
from tfrecords.tables import Console

SECONDS = 60  # of a conversion
STARTING = 300  # seconds for a child to import TensorFlow on a busy machine
GOOD = {"converted", "rejected"}


def main() -> int:
    """Convert, print the table and return 0 if nothing went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--megabytes", type=int, default=2048)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(_convert(options.folder)))
        return 0
    files = sorted(path for path in options.folder.rglob("*") if path.is_file())
    found = {path: _supervise(path, options) for path in files}
    counts = Counter(verdict for verdict, *_ in found.values())
    figures = [Figure(verdict, counts[verdict], "files") for verdict in sorted(counts)]
    for path, (verdict, difference, remark) in found.items():
        name, gap = path.relative_to(options.folder).as_posix(), difference is not None
        value = difference if gap else verdict
        figures.append(Figure(name, value, "of 255" if gap else "", remark))
    title = "Odd, broken and hostile pictures: how far each is from Pillow's reading"
    notes = [f"{name} {version}" for name, version in store.codec_versions().items()]
    record = Record.now("build", title, figures, notes, vars(options))
    Console(width=None if sys.stdout.isatty() else 160).print(record.table())
    if options.json:
        record.save(options.json)
    return 0 if files and {*counts} <= GOOD else 1


def _supervise(path: Path, options: argparse.Namespace) -> tuple:
    """Return the verdict, the difference from Pillow's reading or None, a remark."""
    limit = options.megabytes * 10**6
    try:
        child = subprocess.run(
            [sys.executable, "-m", "tests.tools.troublesome", path, "--child"],
            capture_output=True,
            text=True,
            timeout=STARTING + SECONDS,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)),
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""},
        )
    except subprocess.TimeoutExpired:
        return "hung", None, "not even started"
    if child.returncode == -signal.SIGALRM:
        return "hung", None, f"more than {SECONDS} s"
    if child.returncode:
        last = (child.stderr.strip().splitlines() or [""])[-1]
        verdict = "out of memory" if "MemoryError" in last else "crashed"
        return verdict, None, f"status {child.returncode} {last[:60]}"
    return tuple(json.loads(child.stdout))


def _convert(path: Path) -> tuple:
    options, good = ImageOptions(), io.BytesIO()
    Image.new("RGB", (options.size, options.size), "grey").save(good, "JPEG")
    store.convert(good.getvalue(), options)  # loads TensorFlow: not to be measured
    signal.alarm(SECONDS)  # ends even what hangs in a codec
    before, start = _resident_mb(), time.perf_counter()
    try:
        if path.stat().st_size > decode.MAX_BYTES:
            raise decode.too_many_bytes(path.stat().st_size)
        stored = store.convert(path.read_bytes(), options)
    except decode.Rejected as error:
        return "rejected", None, f"{error.reason}: {error.detail}"
    seconds, peak = time.perf_counter() - start, _resident_mb() - before
    gap = np.abs(store.square(stored, options).astype(int) - _reference(path)).mean()
    return "converted", round(float(gap), 2), f"{seconds:.3f} s, {peak:.1f} MB"


def _resident_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def _reference(path: Path) -> np.ndarray:
    """Read with Pillow alone: resize the whole picture, then cut out the centre."""
    warnings.simplefilter("ignore")
    size, chosen = ImageOptions.size, FILTERS[ImageOptions.filter]
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        if image.mode.startswith("I"):
            image = Image.fromarray(np.rint(np.asarray(image) / 257).astype(np.uint8))
        rgb = image.convert("RGB")
    scale = size / min(rgb.size)
    width, height = (int(side * scale + 0.5) for side in rgb.size)
    left, top = (width - size) // 2, (height - size) // 2
    whole = rgb.resize((width, height), chosen)
    return np.asarray(whole.crop((left, top, left + size, top + size)), int)


if __name__ == "__main__":
    sys.exit(main())
