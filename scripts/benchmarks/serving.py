#!/usr/bin/env python
"""Measure `alexnet serve` on this machine: throughput and how long answers take.

    python scripts/benchmarks/serving.py NETWORK PICTURES [--json FILE]

Clients on the same machine send one picture after the other, each over a connection of
its own: to the server with batches and with single pictures, and to a plain FastAPI
handler that calls the model. All servers are asked for the same pictures, in turns.
"""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])  # profile.py here is not Python's

import numpy as np
import tyro

from keras_alexnet.commands.predict import list_pictures
from keras_alexnet.record import Figure, MeasureOptions, Record, run_as_script
from scripts.benchmarks.server_process import (
    ALEXNET,
    Answer,
    Client,
    Load,
    ask,
    post,
    started,
)

HANDLER = Path(__file__).with_name("plain_handler.py")
WARM_UP = 8  # requests, that are not counted


@dataclass(frozen=True)
class ServingBenchmark(MeasureOptions):
    """Measure `alexnet serve`: throughput, and how long answers take."""

    network: tyro.conf.Positional[Path]  # what alexnet serve takes
    pictures: tyro.conf.Positional[Path]  # folder of pictures
    clients: tuple[int, ...] = (1, 8, 64)
    """That ask at a time."""
    requests: int = 500
    """Of all clients together, in each turn."""
    different: int = 100
    """Pictures that are sent, over and over."""
    turns: int = 3
    """Of each server; the figures are of the one with the middle throughput."""
    runtimes: tuple[str, ...] = ("tensorflow",)
    """That the server is asked for."""


def measure(options: ServingBenchmark) -> Record:
    """Start each server in turn and ask it."""
    files = list_pictures([options.pictures])
    step = max(len(files) // options.different, 1)  # of all folders
    pictures = [path.read_bytes() for path in files[::step][: options.different]]
    found: dict[tuple[str, int], list[Load]] = {}
    for name, command in list(servers(options)) * options.turns:
        with tempfile.NamedTemporaryFile(suffix=".log") as log:
            with started(command, Path(log.name)) as server:
                for clients in options.clients:
                    load = ask_for(server.port, pictures, options.requests, clients)
                    found.setdefault((name, clients), []).append(load)
    figures = [
        figure
        for (name, clients), loads in found.items()
        for figure in figures_of(f"{name}, {clients} client(s)", loads)
    ]
    size = sum(map(len, pictures)) / len(pictures) / 1000
    notes = [
        f"{len(pictures)} pictures of {size:.0f} kB on average; the clients share the "
        "cores with the server.",
        "TensorFlow Serving has no wheel, and was not run here.",
    ]
    title = f"alexnet serve on loopback, {options.requests:,} requests a turn"
    return Record.now("serving", title, figures, notes, asdict(options))


def servers(options: ServingBenchmark) -> Iterator[tuple[str, list[str]]]:
    """Yield each server's name and command."""
    network = str(options.network)
    for runtime in options.runtimes:
        command = [*ALEXNET, network, "--port", "0", "--runtime", runtime]
        yield f"{runtime}, batches", command
        yield f"{runtime}, single pictures", [*command, "--max-batch", "1"]
    yield "plain FastAPI handler", [sys.executable, str(HANDLER), network]


def ask_for(port: int, pictures: list[bytes], count: int, clients: int) -> Load:
    """Ask for pictures, each client for one after the other.

    Raises:
        RuntimeError: One was not answered.
    """

    async def request(number: int, client: Client) -> Answer:
        return await client.send(post("/predict", pictures[number % len(pictures)]))

    ask(port, WARM_UP, clients, request)
    load = ask(port, count, clients, request)
    wrong = [each for each in load.answers.values() if each.status != 200]
    if wrong:
        raise RuntimeError(f"{len(wrong)} were not answered; the first: {wrong[0]}")
    return load


def figures_of(name: str, loads: list[Load]) -> list[Figure]:
    """Return throughput and times of the middle one of several turns."""
    rates = [len(load.answers) / load.seconds for load in loads]
    middle = loads[int(np.argsort(rates)[len(rates) // 2])]
    times = [1000 * answer.seconds for answer in middle.answers.values()]
    spread = f"{min(rates):.4g} to {max(rates):.4g} in {len(rates)} turn(s)"
    rate = len(middle.answers) / middle.seconds
    return [
        Figure(f"{name}: throughput", rate, "pictures/s", spread),
        *(
            Figure(f"{name}: {label}", float(np.percentile(times, share)), "ms")
            for label, share in (("half of answers within", 50), ("99 % within", 99))
        ),
    ]


if __name__ == "__main__":
    run_as_script(measure)
