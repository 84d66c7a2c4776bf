"""`alexnet benchmark step|inference|input|fit`."""

from collections.abc import Sequence

from tfrecords.errors import UserError


def main(arguments: Sequence[str]) -> int:
    """Measure, print a table and write the file that was asked for."""
    from keras_alexnet.benchmark import BENCHMARKS
    from keras_alexnet.record import print_measured

    kind = arguments[0] if arguments else ""
    if kind not in BENCHMARKS:
        raise UserError(
            "Expected `alexnet benchmark step`, `alexnet benchmark inference`, "
            "`alexnet benchmark input DATA` or `alexnet benchmark fit DATA`."
        )
    print_measured(BENCHMARKS[kind], arguments[1:], f"alexnet benchmark {kind}")
    return 0
