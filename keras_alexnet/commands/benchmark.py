"""`alexnet benchmark step|input|fit`."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import tyro

from tfrecords.errors import DatasetError
from tfrecords.result_files import ResultFiles
from tfrecords.tables import Console, Table


@dataclass(frozen=True)
class StepOptions:
    """Measure training steps and inference, in images/s.

    Beside them in the same run: the same net from stock Keras parts, and the machine's
    matrix-product rate.
    """

    precision: Literal["both", "float32", "mixed_bfloat16"] = "both"
    """Arithmetic."""
    preset: str = "released"
    """Network."""
    batch_size: int = 128
    """Images in a step."""
    rounds: int = 5
    """Measurements of each, in turn."""
    json: Path | None = None
    """Write the figures to this file."""


@dataclass(frozen=True)
class InputOptions:
    """Measure the input pipeline on one core, in images/s.

    Beside it in the same run: bare libjpeg and Pillow on the same pictures.
    """

    data: tyro.conf.Positional[Path]
    """Dataset folder made by `alexnet build`."""
    batch_size: int = 128
    """Images in a batch."""
    input_size: int = 224
    """Side of the crops, pixels."""
    rounds: int = 5
    """Measurements of each, in turn."""
    json: Path | None = None
    """Write the figures to this file."""


@dataclass(frozen=True)
class FitOptions:
    """Measure `fit` on TFRecords, in images/s.

    Beside it in the same run: the step alone and the pipeline alone, and what the two
    together allow on these cores.
    """

    data: tyro.conf.Positional[Path]
    """Dataset folder made by `alexnet build`."""
    precision: Literal["float32", "mixed_bfloat16"] = "float32"
    """Arithmetic."""
    batch_size: int = 128
    """Images in a step."""
    steps: int = 10
    """Steps of each measurement; each is made twice."""
    json: Path | None = None
    """Write the figures to this file."""


def main(arguments: Sequence[str]) -> int:
    """Measure, print a table and write the file that was asked for."""
    kinds: dict[str, tuple[Any, Callable[[Any], Any]]] = {
        "step": (StepOptions, _step),
        "input": (InputOptions, _input),
        "fit": (FitOptions, _fit),
    }
    if not arguments or arguments[0] not in kinds:
        raise DatasetError(
            "Expected `alexnet benchmark step`, `alexnet benchmark input DATA` or "
            "`alexnet benchmark fit DATA`."
        )
    options_type, run = kinds[arguments[0]]
    prog = f"alexnet benchmark {arguments[0]}"
    options = tyro.cli(options_type, args=arguments[1:], prog=prog)
    files = ResultFiles(options.json)
    from keras_alexnet.benchmark.machine import machine, versions

    figures = run(options)
    facts = {**machine(), **versions()}
    document = {"command": prog, "machine": facts, "figures": figures}
    files.write(options.json, (json.dumps(document, indent=1) + "\n").encode())
    files.close()
    return 0


def _step(options: StepOptions) -> list[dict[str, Any]]:
    from keras_alexnet.benchmark.step import MATRIX_DTYPES, measure_step

    wanted = list(MATRIX_DTYPES) if options.precision == "both" else [options.precision]
    table = Table("", "ours", "stock Keras", "ratio", "share of matrix rate")
    figures = []
    for precision in wanted:
        f = measure_step(
            precision,
            preset=options.preset,
            batch_size=options.batch_size,
            rounds=options.rounds,
        )
        figures.append(asdict(f))
        for name, ours, stock, ratio, share in (
            ("step", f.step, f.stock_step, f.step_ratio, f.step_share),
            (
                "inference",
                f.inference,
                f.stock_inference,
                f.inference_ratio,
                f.inference_share,
            ),
        ):
            table.add_row(
                f"{precision} {name}",
                f"{ours:.1f} images/s",
                f"{stock:.1f} images/s",
                f"{ratio:.2f}",
                f"{share:.0%} of {f.matrix_gflops:.0f} GFLOP/s",
            )
    Console().print(table)
    return figures


def _input(options: InputOptions) -> dict[str, Any]:
    from keras_alexnet.benchmark.input import measure_input, use_one_core

    use_one_core()
    f = measure_input(
        options.data,
        batch_size=options.batch_size,
        input_size=options.input_size,
        rounds=options.rounds,
    )
    table = Table("one core", "images/s", "pipeline is")
    table.add_row("pipeline", f"{f.pipeline:.0f}", "")
    table.add_row("bare libjpeg", f"{f.libjpeg:.0f}", f"{f.libjpeg_share:.0%} of it")
    table.add_row("Pillow", f"{f.pillow:.0f}", f"{f.pillow_ratio:.0%} of it")
    Console().print(table)
    return asdict(f)


def _fit(options: FitOptions) -> dict[str, Any]:
    from keras_alexnet.benchmark.fit import measure_fit

    f = measure_fit(
        options.data,
        precision=options.precision,
        batch_size=options.batch_size,
        steps=options.steps,
    )
    table = Table(f"{f.precision}, {f.cores} cores", "images/s")
    table.add_row("step alone", f"{f.step:.1f}")
    table.add_row("pipeline alone, a core", f"{f.pipeline:.0f}")
    table.add_row("allowed together", f"{f.allowed:.1f}")
    table.add_row("fit", f"{f.fit:.1f} ({f.share:.0%} of allowed)")
    Console().print(table)
    return asdict(f)
