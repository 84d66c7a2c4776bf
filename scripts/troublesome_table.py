"""Convert every picture under a folder in a child process of its own, and tabulate.

    python scripts/troublesome_table.py FOLDER [--json FILE]

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
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tfrecords.images import decode, store
from tfrecords.images.decode import Rejected
from tfrecords.images.options import ENCODINGS, FILTERS, ImageOptions
from tfrecords.tables import Console, Table

SECONDS, MEGABYTES = 60, 2048
STARTING = 300  # seconds for a child to import TensorFlow on a busy machine
GOOD = ("converted", "rejected")


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    Attributes:
        file: its path below the folder.
        verdict: `converted`, `rejected`, `crashed`, `hung` or `out of memory`.
        reason: of a rejection or a crash.
        seconds: of conversion alone.
        peak_mb: resident memory that conversion added at its peak, in 10^6 bytes.
        difference: mean absolute difference from Pillow's reading, of 255.
    """

    file: str
    verdict: str
    reason: str = ""
    seconds: float | None = None
    peak_mb: float | None = None
    difference: float | None = None


def main() -> int:
    """Convert, print the table and the totals."""
    options = _arguments()
    if options.child:
        print(json.dumps(_convert_one(options.folder, options)))
        return 0
    files = sorted(path for path in options.folder.rglob("*") if path.is_file())
    outcomes = [_supervise(path, options) for path in files]
    Console(width=160 if not sys.stdout.isatty() else None).print(_table(outcomes))
    verdicts = [outcome.verdict for outcome in outcomes]
    totals = {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))}
    peak = max((outcome.peak_mb or 0 for outcome in outcomes), default=0)
    text = ", ".join(f"{count} {verdict}" for verdict, count in totals.items())
    print(f"{len(outcomes)} files: {text or 'none'}; at most {peak:,.0f} MB.")
    if options.json:
        document = {
            "encoding": options.encoding,
            "memory_limit_mb": options.megabytes,
            "time_limit_seconds": options.seconds,
            "codecs": store.codec_versions(),
            "totals": totals,
            "files": [asdict(outcome) for outcome in outcomes],
        }
        options.json.write_text(json.dumps(document, indent=1) + "\n")
    return 0 if outcomes and set(verdicts) <= set(GOOD) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--encoding", choices=ENCODINGS, default="jpeg")
    parser.add_argument("--seconds", type=int, default=SECONDS)
    parser.add_argument("--megabytes", type=int, default=MEGABYTES)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _supervise(path: Path, options: argparse.Namespace) -> Outcome:
    name = path.relative_to(options.folder).as_posix()
    command = [sys.executable, __file__, str(path), "--child"]
    limit = options.megabytes * 10**6

    def limit_memory() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))

    try:
        child = subprocess.run(
            [
                *command,
                "--encoding",
                options.encoding,
                "--seconds",
                str(options.seconds),
            ],
            capture_output=True,
            text=True,
            timeout=STARTING + options.seconds,
            preexec_fn=limit_memory,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""},
        )
    except subprocess.TimeoutExpired:
        return Outcome(name, "hung", "not even started")
    if child.returncode == -signal.SIGALRM:
        return Outcome(name, "hung", f"more than {options.seconds} s")
    if child.returncode:
        last = (child.stderr.strip().splitlines() or [""])[-1]
        verdict = "out of memory" if "MemoryError" in last else "crashed"
        return Outcome(name, verdict, f"status {child.returncode} {last[:60]}")
    return Outcome(name, **json.loads(child.stdout))


def _convert_one(path: Path, arguments: argparse.Namespace) -> dict:
    options = ImageOptions(encoding=arguments.encoding)
    _start(options)
    signal.alarm(arguments.seconds)  # ends even what hangs in a codec
    before, start = _resident_mb(), time.perf_counter()
    verdict, reason, stored = "converted", "", b""
    try:
        if path.stat().st_size > decode.MAX_BYTES:
            raise decode.too_many_bytes(path.stat().st_size)
        stored = store.convert(path.read_bytes(), options)
    except Rejected as error:
        verdict, reason = "rejected", f"{error.reason}: {error.detail}"
    row = {
        "verdict": verdict,
        "reason": reason,
        "seconds": round(time.perf_counter() - start, 3),
        "peak_mb": round(_resident_mb() - before, 1),
    }
    if stored:
        found = store.square(stored, options).astype(int)
        row["difference"] = round(float(np.abs(found - _reference(path)).mean()), 2)
    return row


def _start(options: ImageOptions) -> None:
    """Convert a good JPEG, which loads TensorFlow: that is not to be measured."""
    buffer = io.BytesIO()
    Image.new("RGB", (options.size, options.size), "grey").save(buffer, "JPEG")
    store.convert(buffer.getvalue(), options)


def _resident_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def _reference(path: Path) -> np.ndarray:
    """Read with Pillow alone: resize the whole picture, then cut out the centre."""
    import warnings

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


def _table(outcomes: list[Outcome]) -> Table:
    table = Table("file", "verdict", "reason")
    for title in ("seconds", "peak MB", "difference"):
        table.add_column(title, justify="right")
    for outcome in outcomes:
        figures = (outcome.seconds, outcome.peak_mb, outcome.difference)
        shown = ["" if figure is None else f"{figure:g}" for figure in figures]
        table.add_row(outcome.file, outcome.verdict, outcome.reason[:60], *shown)
    return table


if __name__ == "__main__":
    sys.exit(main())
