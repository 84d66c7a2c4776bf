"""Convert every picture under a folder in a child process of its own, and tabulate.

    python -m tests.tools.troublesome FOLDER --json results/build/troublesome.json

A child has a memory limit and a time limit. A file is converted, and then compared with
Pillow's own reading of it, resized; or it is rejected with its reason. The exit status
is 0 only if no child crashed, hung, or ran out of memory.
"""

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
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import tyro
from PIL import Image

from keras_alexnet.record import Figure, MeasureOptions, Record, print_measured
from tfrecords.images import decode, store
from tfrecords.images.options import FILTERS, ImageOptions

SECONDS = 60  # of a conversion
GOOD = {"converted", "rejected"}


@dataclass(frozen=True)
class TroublesomeOptions(MeasureOptions):
    """Convert every picture under a folder in a child of its own, and tabulate."""

    folder: tyro.conf.Positional[Path]
    """Pictures, good and bad."""
    megabytes: int = 2048
    """What a child may take."""


def measure(options: TroublesomeOptions) -> Record:
    """Return what became of each file, and how many files that befell."""
    files = sorted(path for path in options.folder.rglob("*") if path.is_file())
    found = {path: _supervise(path, options.megabytes * 10**6) for path in files}
    counts = Counter(verdict for verdict, *_ in found.values())
    figures = [Figure(verdict, counts[verdict], "files") for verdict in sorted(counts)]
    for path, (_, *values) in found.items():
        figures.append(Figure(path.relative_to(options.folder).as_posix(), *values))
    title = "Odd, broken and hostile pictures: how far each is from Pillow's reading"
    notes = [f"{name} {version}" for name, version in store.codec_versions().items()]
    return Record.now("build", title, figures, notes, asdict(options))


def all_good(record: Record) -> bool:
    """Tell whether there were files, and each was converted or rejected."""
    counted = {figure.name for figure in record.figures if figure.unit == "files"}
    return bool(counted) and not counted - GOOD


def _supervise(path: Path, limit: int) -> list:
    """Return the verdict, then value, unit and remark of the file's figure."""
    child = subprocess.run(
        [sys.executable, "-m", "tests.tools.troublesome", "--child", path],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)),
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""},
    )
    if not child.returncode:
        return json.loads(child.stdout)
    last = (child.stderr.strip().splitlines() or [""])[-1]
    verdict, remark = "crashed", f"status {child.returncode} {last[:60]}"
    if child.returncode == -signal.SIGALRM:
        verdict, remark = "hung", f"more than {SECONDS} s"
    elif "MemoryError" in last:
        verdict = "out of memory"
    return [verdict, verdict, "", remark]


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
        return "rejected", "rejected", "", f"{error.reason}: {error.detail}"
    seconds, peak = time.perf_counter() - start, _resident_mb() - before
    gap = np.abs(store.square(stored, options).astype(int) - _reference(path)).mean()
    remark = f"{seconds:.3f} s, {peak:.1f} MB"
    return "converted", round(float(gap), 2), "of 255", remark


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
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(_convert(Path(sys.argv[2]))))
    else:
        sys.exit(not all_good(print_measured(measure)))
