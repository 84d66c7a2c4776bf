"""`alexnet serve NETWORK`."""

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from keras_alexnet.inference.runtimes import InferencePrecision, RuntimeName
from keras_alexnet.serving.options import ServingOptions
from tfrecords.errors import UserError
from tfrecords.plain_text import say, warn
from tfrecords.ranges import check_count, check_number
from tfrecords.streams import flush_streams

if TYPE_CHECKING:
    from keras_alexnet.trained.neighbour_search import NeighbourSearch
    from keras_alexnet.trained.network import TrainedNetwork


@dataclass(frozen=True, kw_only=True)
class ServeOptions(ServingOptions):
    """Answer over HTTP with a trained network, until Ctrl-C or SIGTERM.

    TensorFlow Serving's protocol (/v1), the Open Inference Protocol (/v2), and plain
    files: curl -F file=@cat.jpg http://localhost:8501/predict
    """

    network: tyro.conf.Positional[Path]
    """Run folder, network folder, exported folder, or one version in it."""
    host: str = "127.0.0.1"
    """Address that is listened at; 0.0.0.0 is open to all the network."""
    port: int = 8501
    """Port; 0 takes any that is free, which is printed."""
    runtime: RuntimeName | None = None
    """What computes the network; None: the folder's own."""
    precision: InferencePrecision = "float32"
    """mixed_bfloat16 is faster where the processor has it, and moves probabilities by
    up to a hundredth or so; TensorFlow runs an export as it is."""
    api_key_file: Path | None = None
    """File with a key that every request has to bear: Authorization: Bearer KEY."""
    neighbours: Path | None = None
    """Index whose nearest pictures the page shows: a file of alexnet features with this
    network, .npy, .npz or .h5."""
    grace: float = 30.0
    """Seconds that accepted requests have, at most, when the server is to end."""


def main(arguments: Sequence[str]) -> int:
    """Load, warm up, and answer."""
    options = tyro.cli(ServeOptions, args=arguments, prog="alexnet serve")
    options.check()
    check_count("port", options.port, least=0, most=65_535)
    check_number("grace", options.grace, least=0, most=3600)
    check_extra()
    from keras_alexnet.serving.access_control import (
        LOOPBACK_NAMES,
        is_loopback,
        read_key,
    )
    from keras_alexnet.serving.app import create_app
    from keras_alexnet.serving.model_versions import is_versions_folder
    from keras_alexnet.serving.server import bind, serve
    from keras_alexnet.trained.opening import load

    key = None if options.api_key_file is None else read_key(options.api_key_file)
    local = is_loopback(options.host)
    hosts = (*(LOOPBACK_NAMES if local else ()), *options.allow_host)
    opened = partial(load, runtime=options.runtime, precision=options.precision)
    folder = options.network if is_versions_folder(options.network) else None
    with bind(options.host, options.port) as taken:
        network = opened(options.network)
        app = create_app(
            network,
            options,
            folder=folder,
            load=opened,
            hosts=hosts,
            key=key,
            search=_search(network, options.neighbours),
        )
        if not local:
            whom = "whoever has the key" if key else "anyone, without a key"
            warn(f"{options.host} is open to the network, to {whom}, and unencrypted.")
        said = f"{options.network} answers as {options.name} at {_address(taken)}"
        serve(app, taken, grace=options.grace, ready=lambda: say(said))
    if app.state.service.jobs_apart:
        # Its time is over, but a thread cannot be ended, and Python would wait for it.
        flush_streams()
        os._exit(0)
    return 0


def _address(taken: socket.socket) -> str:
    host, port = taken.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port} (Ctrl-C ends it)"


def _search(network: "TrainedNetwork", index: Path | None) -> "NeighbourSearch | None":
    if index is None:
        return None
    # Here, because an export has no features and needs no Keras.
    from keras_alexnet.trained.neighbour_search import NeighbourSearch

    return NeighbourSearch(network, index)


def check_extra() -> None:
    """Raise UserError where a package of the extra is missing."""
    try:
        import fastapi  # noqa: F401
        import prometheus_client  # noqa: F401
        import python_multipart  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"Expected the package {error.name} for alexnet serve, found none. Install "
            "it with: pip install 'keras-alexnet[serve]'"
        ) from None
