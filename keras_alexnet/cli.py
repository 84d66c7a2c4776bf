"""The command line: `alexnet VERB`."""

import importlib
import io
import os
import re
import sys
from collections.abc import Sequence
from urllib.parse import unquote

_ADDRESS = re.compile(r"(?:tfds:)?([a-zA-Z][a-zA-Z0-9+.-]+)://")

# Verb: the module with its `main(arguments)`, and what it does. Modules are imported
# only when their verb is called, because TensorFlow takes seconds to import.
VERBS = {
    "build": ("keras_alexnet.commands.build", "pictures to TFRecord shards"),
    "verify": ("keras_alexnet.commands.verify", "re-read a dataset and prove it"),
    "statistics": ("keras_alexnet.commands.statistics", "mean and colours of shards"),
    "train": ("keras_alexnet.commands.train", "train a network on a dataset"),
    "evaluate": ("keras_alexnet.commands.evaluate", "error rates of trained networks"),
    "predict": ("keras_alexnet.commands.predict", "name what is in pictures"),
    "export": ("keras_alexnet.commands.export", "make a SavedModel for serving"),
    "figures": ("keras_alexnet.commands.figures", "draw the curves of runs"),
    "devices": ("keras_alexnet.commands.devices", "where a training step really runs"),
    "benchmark": ("keras_alexnet.commands.benchmark", "measure this machine"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit status: 0 only on success.

    Errors are one line on standard error; `--debug` shows the traceback instead.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    _print_any_character()
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    if not arguments or arguments[0] not in VERBS:
        return _usage(arguments)
    try:
        _refuse_addresses(arguments[1:])
        if not debug and not {"-h", "--help"} & {*arguments}:
            _import_tensorflow_silently()
        module = importlib.import_module(VERBS[arguments[0]][0])
        return module.main(arguments[1:]) or 0
    except KeyboardInterrupt:
        print("Stopped. What was finished is kept.", file=sys.stderr)
        return 130
    except Exception as error:
        if debug:
            raise
        print(f"alexnet {arguments[0]}: {_one_line(error)}", file=sys.stderr)
        return 1


def _refuse_addresses(arguments: Sequence[str]) -> None:
    # Here, of all verbs, and before a Path makes gs:/ of gs://.
    for argument in arguments:
        value = argument.partition("=")[2] if argument.startswith("--") else argument
        scheme = _ADDRESS.match(value)
        if scheme and scheme[1].lower() == "file":
            path = unquote(value[scheme.end() :].removeprefix("localhost"))
            raise ValueError(f"Expected a plain path, got {value}. Give {path}.")
        if scheme:
            raise ValueError(
                f"Expected a path on this machine, got {value}. Addresses are neither "
                "read nor written: copy it to a disk or mount it, and give that path."
            )


def _print_any_character() -> None:
    """Show what a terminal cannot, such as a name that is not UTF-8, by its code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _import_tensorflow_silently() -> None:
    """Import TensorFlow without the notes that its C++ part prints, whatever we say."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            importlib.import_module("tensorflow")
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _usage(arguments: list[str]) -> int:
    asked = arguments[:1] in (["--help"], ["-h"], ["help"])
    print(
        "usage: alexnet VERB [OPTIONS]\n\nverbs:",
        *(f"  {verb:10} {text}" for verb, (_, text) in VERBS.items()),
        "\nalexnet VERB --help shows each option with its type and default.",
        sep="\n",
        file=sys.stdout if asked else sys.stderr,
    )
    if arguments and not asked:
        print(f"\nalexnet: unknown verb {arguments[0]!r}", file=sys.stderr)
    return 0 if asked else 2


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    name = type(error).__name__
    if name == "DataLossError":
        return (
            f"A record of the dataset is damaged or its file compressed ({text[:99]}). "
            "Find it with `alexnet verify DIR`, then build the dataset again."
        )
    known = name in ("DatasetError", "ValueError", "FileNotFoundError")
    return text if known and text else f"{name}: {text[:500]}"
