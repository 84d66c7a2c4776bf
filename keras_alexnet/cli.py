"""The command line: `alexnet VERB`."""

import difflib
import importlib
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import unquote

from keras_alexnet.keras_settings import use_tensorflow
from keras_alexnet.version import VERSION
from tfrecords.errors import DatasetError
from tfrecords.plain_text import printable, say
from tfrecords.streams import flush_streams, import_tensorflow_silently, open_streams

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
    "info": ("keras_alexnet.commands.info", "versions and machine, for bug reports"),
}

# What is left where a verb is interrupted and does not end by itself.
KEPT = {
    "build": "Finished shards are kept; the same command goes on with the others.",
    "train": "Checkpoints are kept; go on with --resume if there is one.",
}
_NOTHING_KEPT = "Nothing was written."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit status: 0 only on success.

    Errors are one line on standard error; `--debug` shows the traceback instead.
    """
    open_streams()
    if sys.platform == "win32":
        say("alexnet: Expected Linux or macOS; on Windows, use WSL 2.", error=True)
        return 1
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    if arguments[:1] == ["--version"]:
        say(f"alexnet {VERSION}")
        return 0
    if not arguments or arguments[0] not in VERBS:
        return _usage(arguments)
    if arguments[0] == "info":  # it tells of the variable, and imports no Keras
        return _run(arguments, debug)
    with _without_matplotlib_backend():
        return _run(arguments, debug)


def _run(arguments: list[str], debug: bool) -> int:
    verb = arguments[0]
    try:
        _refuse_addresses(arguments[1:])
        asked_for_help = bool({"-h", "--help"} & {*arguments})
        if verb != "info":
            use_tensorflow(check=not asked_for_help)
        if not debug and verb != "info" and not asked_for_help:
            import_tensorflow_silently()
        module = importlib.import_module(VERBS[verb][0])
        status = module.main(arguments[1:]) or 0
        flush_streams()
        return status
    except KeyboardInterrupt:
        say(f"Stopped. {KEPT.get(verb, _NOTHING_KEPT)}", error=True)
        return 130
    except Exception as error:
        if debug:
            raise
        say(f"alexnet {verb}: {_one_line(error)}", error=True)
        return 1


def _refuse_addresses(arguments: Sequence[str]) -> None:
    # Here, of all verbs, and before a Path makes gs:/ of gs://.
    for argument in arguments:
        value = argument.partition("=")[2] if argument.startswith("--") else argument
        scheme = _ADDRESS.match(value)
        if scheme and scheme[1].lower() == "file":
            path = unquote(value[scheme.end() :].removeprefix("localhost"))
            raise DatasetError(f"Expected a plain path, got {value}. Give {path}.")
        if scheme:
            raise DatasetError(
                f"Expected a path on this machine, got {value}. Addresses are neither "
                "read nor written: copy it to a disk or mount it, and give that path."
            )


@contextmanager
def _without_matplotlib_backend() -> Iterator[None]:
    # Keras imports matplotlib, which fails where this names what is not there; here all
    # is drawn into files, which need no backend.
    backend = os.environ.pop("MPLBACKEND", None)
    try:
        yield
    finally:
        if backend is not None:
            os.environ["MPLBACKEND"] = backend


def _usage(arguments: list[str]) -> int:
    asked = arguments[:1] in (["--help"], ["-h"], ["help"])
    print(
        "usage: alexnet VERB [OPTIONS]\n\nverbs:",
        *(f"  {verb:10} {text}" for verb, (_, text) in VERBS.items()),
        "\nalexnet VERB --help shows each option with its type and default; "
        "alexnet --version, the version.",
        sep="\n",
        file=sys.stdout if asked else sys.stderr,
    )
    if arguments and not asked:
        near = difflib.get_close_matches(arguments[0].lower(), VERBS, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        say(f"alexnet: unknown verb {arguments[0]!r}{hint}", error=True)
    return 0 if asked else 2


def _one_line(error: Exception) -> str:
    name = type(error).__name__
    text = str(error)
    if isinstance(error, DatasetError) and text:
        return printable(text)
    text = " ".join(text.split())
    if _is_damaged_record(error):
        return (
            f"A record of the dataset is damaged or its file compressed ({text[:99]}). "
            "Find it with `alexnet verify DIR`, then build the dataset again."
        )
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}."
    return text if type(error) is ValueError and text else f"{name}: {text[:500]}"


def _is_damaged_record(error: Exception) -> bool:
    tensorflow = sys.modules.get("tensorflow")
    return tensorflow is not None and isinstance(error, tensorflow.errors.DataLossError)
