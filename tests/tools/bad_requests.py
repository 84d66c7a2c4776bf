"""Ask a server well and badly, end it in the middle, kill it, and count what is lost.

    python -m tests.tools.bad_requests NETWORK PICTURES [--requests 10000] [--json FILE]

One request in ten is bad, of each kind in turn: cut off, HTML, a JPEG of 14,000 x
20,000 pixels, a GIF bomb, a body of 50 MB, wrong JSON, nothing, another model, a slow
sender and a cut connection. Each good one has to be answered as `alexnet predict` does,
each bad one with a status of 400 to 499 that says why. Then a server is ended with
SIGTERM while it is asked: whatever it says it answered has to have come; and one is
killed with kill -9, started again, and has to answer. The exit status is 1 if not.
"""

import base64
import io
import json
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import tyro
from PIL import Image

from keras_alexnet import load
from keras_alexnet.commands.predict import list_pictures
from keras_alexnet.record import Figure, MeasureOptions, Record, print_measured
from scripts.benchmarks.server_process import (
    ALEXNET,
    Answer,
    Client,
    Server,
    ask,
    post,
    started,
)

PREDICT = "/v1/models/alexnet:predict"
SENDER_SECONDS = 1.0  # that the server gives; a slow one takes more
BIG_BODY = 50_000_000  # bytes
BOUND = 1e-5  # of a probability: batches of other sizes are added up in another order
MB = 1e6


@dataclass(frozen=True)
class BadRequestOptions(MeasureOptions):
    """Ask a server well and badly, end it, kill it, and count what is lost."""

    network: tyro.conf.Positional[Path]  # what alexnet serve takes
    pictures: tyro.conf.Positional[Path]  # folder of pictures
    requests: int = 10_000
    """One in ten is bad."""
    clients: int = 16
    """That ask at a time."""
    different: int = 100
    """Good pictures, that are sent over and over."""


def huge_jpeg(picture: bytes) -> bytes:
    """Return a JPEG whose header tells of 14,000 x 20,000 pixels."""
    at = picture.index(b"\xff\xc0") + 5
    sides = (20_000).to_bytes(2, "big") + (14_000).to_bytes(2, "big")
    return picture[:at] + sides + picture[at + 4 :]


def gif_bomb() -> bytes:
    """Return a GIF of few bytes that would unfold to 60,000 x 60,000 pixels."""
    stream = io.BytesIO()
    Image.new("P", (1, 1)).save(stream, "GIF")
    data = bytearray(stream.getvalue())
    data[6:10] = (60_000).to_bytes(2, "little") * 2
    return bytes(data)


def bad_requests(picture: bytes) -> dict[str, tuple[tuple[bytes, ...], dict, str]]:
    """Return each kind: its parts, how they are sent, and a word of the answer."""
    page = b"<!DOCTYPE html><html><body>Not found</body></html>"
    whole = post("/predict", picture)
    one = {"instances": [{"b64": base64.b64encode(picture).decode()}]}
    body = json.dumps(one).encode()
    model = post("/v1/models/other:predict", body, "application/json")
    slow = {"pause": 2 * SENDER_SECONDS}
    return {
        "cut off": ((post("/predict", picture[: len(picture) // 2]),), {}, "truncated"),
        "HTML": ((post("/predict", page),), {}, "a web page"),
        "14,000 x 20,000": ((post("/predict", huge_jpeg(picture)),), {}, "too_large"),
        "GIF bomb": ((post("/predict", gif_bomb()),), {}, "too_large"),
        "50 MB": ((post("/predict", bytes(BIG_BODY)),), {}, "at most"),
        "wrong JSON": (
            (post(PREDICT, b'{"instances": [', "application/json"),),
            {},
            "JSON Parse error",
        ),
        "nothing": ((post("/predict", b""),), {}, "empty"),
        "another model": ((model,), {}, "Servable not found"),
        "slow sender": ((whole[:-9], whole[-9:]), slow, "within"),
        "cut connection": ((whole[:-9], b"x"), {"cut": True}, ""),
    }


class Asker:
    """Sends good and bad requests, and finds out what is wrong with the answers.

    Args:
        expected: Picture -> its probabilities, as `alexnet predict` has them.
    """

    def __init__(self, expected: dict[bytes, np.ndarray]) -> None:
        self.pictures = list(expected)
        self._rows = list(expected.values())
        self.bad = bad_requests(max(self.pictures, key=len))
        self.kinds = list(self.bad)

    def kind(self, number: int) -> str:
        """Return the kind of a request: good, or which bad one."""
        if number % 10:
            return "good"
        return self.kinds[number // 10 % len(self.kinds)]

    async def request(self, number: int, client: Client) -> Answer:
        """Send one."""
        kind = self.kind(number)
        if kind == "good":
            data = self.pictures[number % len(self.pictures)]
            told = {"instances": [{"b64": base64.b64encode(data).decode()}]}
            body = json.dumps(told).encode()
            return await client.send(post(PREDICT, body, "application/json"))
        parts, how, _ = self.bad[kind]
        return await client.send(*parts, **how)

    def wrong(self, number: int, answer: Answer) -> str:
        """Return what is wrong with an answer; empty if nothing is."""
        kind = self.kind(number)
        if kind == "good":
            return self._wrong_row(number, answer)
        if kind == "cut connection":
            return ""  # nobody was there to be answered
        reason = self.bad[kind][2]
        if not 400 <= answer.status < 500:
            return f"{kind}: status {answer.status}"
        return "" if reason in answer.json["error"] else f"{kind}: {answer.json}"

    def _wrong_row(self, number: int, answer: Answer) -> str:
        if answer.status != 200:
            return f"good: status {answer.status} {answer.body[:200]!r}"
        (found,) = answer.json["predictions"]
        row = self._rows[number % len(self._rows)]
        apart = np.abs(np.array(found["probabilities"]) - row).max()
        return f"good: {apart:.2g} off" if apart > BOUND else ""


def measure(options: BadRequestOptions) -> Record:
    """Ask, end, kill, and count."""
    files = list_pictures([options.pictures])
    step = max(len(files) // options.different, 1)
    pictures = [path.read_bytes() for path in files[::step][: options.different]]
    rows = load(options.network).classifier()(np.array(pictures, object))
    asker = Asker(dict(zip(pictures, rows, strict=True)))
    command = [*ALEXNET, str(options.network), "--port", "0", "--log-format", "json"]
    command += ["--sender-seconds", str(SENDER_SECONDS)]
    with tempfile.TemporaryDirectory() as folder:
        with started(command, Path(folder, "first.log")) as server:
            figures = good_and_bad(server, asker, options)
        with started(command, Path(folder, "second.log")) as server:
            figures += ended_in_the_middle(server, asker, options)
        with started(command, Path(folder, "third.log")) as server:
            server.end(signal.SIGKILL)
        begun = time.monotonic()
        with started(command, Path(folder, "fourth.log")) as server:
            again = ask(server.port, 1, 1, _nth(asker, 1)).answers[0]
            seconds = time.monotonic() - begun
    works = "yes" if not asker.wrong(1, again) else "no"
    figures.append(Figure("answers after kill -9 and a new start", works))
    figures.append(Figure("seconds from that start to the answer", seconds, "s"))
    title = f"alexnet serve, {options.requests:,} requests of which a tenth is bad"
    return Record.now("serving", title, figures, options=asdict(options))


def _nth(asker: Asker, number: int) -> Callable:
    return lambda _, client: asker.request(number, client)


def good_and_bad(
    server: Server, asker: Asker, options: BadRequestOptions
) -> list[Figure]:
    """Ask for all, and count what is wrong and how much memory it took."""
    ask(server.port, 10 * options.clients, options.clients, _nth(asker, 1))
    before = server.memory()
    found = ask(server.port, options.requests, options.clients, asker.request)
    wrong = {n: asker.wrong(n, answer) for n, answer in found.answers.items()}
    for each, count in Counter(filter(None, wrong.values())).items():
        print(f"{count} x {each}", flush=True)
    kinds = Counter(map(asker.kind, found.answers))
    bad = {kind: count for kind, count in kinds.items() if kind != "good"}
    lost = Counter(asker.kind(number) for number, each in wrong.items() if each)
    told = ", ".join(f"{kind}: {count}" for kind, count in bad.items())
    return [
        Figure("good requests", kinds["good"]),
        Figure("of them not answered as predict does", lost.pop("good", 0)),
        Figure("bad requests", sum(bad.values()), "", told),
        Figure("of them without a 4xx that says why", sum(lost.values())),
        Figure("most memory before", before / MB, "MB", "after good ones"),
        Figure("most memory at the end", server.memory() / MB, "MB"),
        Figure("requests a second", len(found.answers) / found.seconds, "1/s"),
    ]


def ended_in_the_middle(
    server: Server, asker: Asker, options: BadRequestOptions
) -> list[Figure]:
    """Send SIGTERM while clients ask; what the log tells of has to have come."""
    status: list[int] = []
    half = options.requests // 2
    seen = 0

    async def request(number: int, client: Client) -> Answer:
        nonlocal seen
        seen += 1
        if seen == half:
            ending = threading.Thread(
                target=lambda: status.append(server.end(signal.SIGTERM))
            )
            ending.start()
            endings.append(ending)
        return await asker.request(1, client)

    endings: list[threading.Thread] = []
    found = ask(server.port, options.requests, options.clients, request)
    endings[0].join()
    lines = server.log.read_text().splitlines()
    logged = sum(line.startswith("{") for line in lines)
    came = sum(each.status == 200 for each in found.answers.values())
    return [
        Figure("accepted until SIGTERM", logged, "", "by its log"),
        Figure("of them lost on the way", logged - came),
        Figure("exit status after SIGTERM", status[0]),
    ]


def failed(record: Record) -> bool:
    """Return whether anything was lost or wrong."""
    counts = (
        "of them not answered as predict does",
        "of them without a 4xx that says why",
        "of them lost on the way",
        "exit status after SIGTERM",
    )
    answers = record.value("answers after kill -9 and a new start")
    return any(record.value(name) for name in counts) or answers != "yes"


if __name__ == "__main__":
    sys.exit(failed(print_measured(measure)))
