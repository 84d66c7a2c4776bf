"""The command line: `alexnet VERB`."""

import difflib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from keras_alexnet.device_memory import exhausted_device, grow_gpu_memory
from keras_alexnet.keras_settings import use_tensorflow
from keras_alexnet.registry import Registry
from keras_alexnet.version import VERSION
from tfrecords.errors import UserError
from tfrecords.files import refuse_address
from tfrecords.plain_text import printable, say
from tfrecords.streams import flush_streams, import_tensorflow_silently, open_streams

VERBS: Registry[Callable[[Sequence[str]], int | None]] = Registry(
    "verb",
    {
        "build": "keras_alexnet.commands.build:main",
        "verify": "keras_alexnet.commands.verify:main",
        "statistics": "keras_alexnet.commands.statistics:main",
        "train": "keras_alexnet.commands.train:main",
        "launch": "keras_alexnet.commands.launch:main",
        "evaluate": "keras_alexnet.commands.evaluate:main",
        "predict": "keras_alexnet.commands.predict:main",
        "features": "keras_alexnet.commands.features:main",
        "neighbours": "keras_alexnet.commands.neighbours:main",
        "describe": "keras_alexnet.commands.describe:main",
        "import-weights": "keras_alexnet.commands.import_weights:main",
        "export": "keras_alexnet.commands.export:main",
        "serve": "keras_alexnet.commands.serve:main",
        "figures": "keras_alexnet.commands.figures:main",
        "report": "keras_alexnet.commands.report:main",
        "reproduce": "keras_alexnet.commands.reproduce:main",
        "devices": "keras_alexnet.commands.devices:main",
        "benchmark": "keras_alexnet.commands.benchmark:main",
        "info": "keras_alexnet.commands.info:main",
    },
)
TEXTS = {
    "build": "pictures to TFRecord shards",
    "verify": "re-read a dataset and prove it",
    "statistics": "mean and colours of shards",
    "train": "train a network on a dataset",
    "launch": "start workers of one training",
    "evaluate": "error rates of trained networks",
    "predict": "name what is in pictures",
    "features": "what layers make of pictures, in a file",
    "neighbours": "the pictures nearest to a picture",
    "describe": "layers and recipe of a network",
    "import-weights": "take weights that others trained",
    "export": "make a SavedModel for serving",
    "serve": "answer over HTTP with a network",
    "figures": "draw runs, networks and datasets",
    "report": "all about a run on one page",
    "reproduce": "the paper's claims, measured",
    "devices": "where a training step really runs",
    "benchmark": "measure this machine",
    "info": "versions and machine, for bug reports",
}
# Verbs that compute with TensorFlow, which takes seconds to import.
TENSORFLOW = {
    *("train", "evaluate", "predict", "export"),
    *("features", "neighbours", "devices", "benchmark", "import-weights"),
    *("serve", "report", "reproduce"),
}

# Verbs whose dataset may lie at an address: they look at each place themselves.
READ_ADDRESSES = ("train", "evaluate")

# What is left where a verb is interrupted and does not end by itself.
KEPT = {
    "build": "Finished shards are kept; the same command goes on with the others.",
    "features": "What is done is kept; the same command goes on with the others.",
    "reproduce": "What is done is kept; the same command goes on with the others.",
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
    end = arguments.index("--") if "--" in arguments else len(arguments)
    own, passed_on = arguments[:end], arguments[end:]  # the latter by `launch`
    debug = "--debug" in own
    arguments = [argument for argument in own if argument != "--debug"] + passed_on
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
        _refuse_addresses(arguments[1:], options_alone=verb in READ_ADDRESSES)
        asked_for_help = bool({"-h", "--help"} & {*arguments})
        if verb != "info":
            use_tensorflow(check=not asked_for_help)
        if not debug and verb in TENSORFLOW and not asked_for_help:
            import_tensorflow_silently()
        if verb in TENSORFLOW and not asked_for_help:
            grow_gpu_memory()
        status = VERBS[verb](arguments[1:]) or 0
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


def _refuse_addresses(arguments: Sequence[str], options_alone: bool) -> None:
    # Here, of all verbs, and before a Path makes gs:/ of gs://.
    for argument in arguments:
        if argument.startswith("--"):
            refuse_address(argument.partition("=")[2])
        elif not options_alone:
            refuse_address(argument)


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
        *(f"  {verb:14} {TEXTS[verb]}" for verb in VERBS),
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
    """Say what a user can mend as it is; all else is a fault, of whoever it is."""
    if isinstance(error, UserError):
        return printable(str(error))
    text = " ".join(str(error).split())
    if (device := _exhausted_device(error)) is not None:
        return (
            f"The memory of {device or 'the device'} does not suffice. Take a smaller "
            "--batch-size, or end what else uses it."
        )
    if _is_damaged_record(error):
        return (
            f"A record of the dataset is damaged or its file compressed ({text[:99]}). "
            "Find it with `alexnet verify DIR`, then build the dataset again."
        )
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}."
    return (
        f"{type(error).__name__}: {text[:500].rstrip('.')}. This is a fault of ours or "
        "of a library; --debug shows where it is."
    )


def _exhausted_device(error: Exception) -> str | None:
    return exhausted_device(error) if "tensorflow" in sys.modules else None


def _is_damaged_record(error: Exception) -> bool:
    tensorflow = sys.modules.get("tensorflow")
    return tensorflow is not None and isinstance(error, tensorflow.errors.DataLossError)
