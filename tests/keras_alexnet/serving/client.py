"""A client of an app that runs in the same loop, without a socket."""

import base64
from contextlib import asynccontextmanager

import httpx

from keras_alexnet.serving.app import create_app
from keras_alexnet.serving.options import ServingOptions
from tests import small

GOOD = small.encode(small.picture(1, 33))
OTHERS = [small.encode(small.picture(label, 40 + label)) for label in range(3)]
JPEG = {"Content-Type": "image/jpeg"}


@asynccontextmanager
async def answering(network, *, app=None, **fields):
    """Give a client of a network; fields are those of the options and of the app."""
    told = {name: fields.pop(name) for name in APP if name in fields}
    if app is None:
        app = create_app(network, ServingOptions(**{**QUICK, **fields}), **told)
    del network  # so that a test can see when the app lets it go
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost"
        ) as client:
            client.service = app.state.service
            yield client


APP = ("routers", "hosts", "key", "folder", "load")
QUICK = {"max_batch": 2, "max_wait_ms": 0}


def base64_of(data):
    """The bytes of a picture as JSON has them."""
    return base64.b64encode(data).decode()


def form(*contents):
    """Files of a form for httpx, of which each has a name."""
    return [("file", (f"{n}.jpg", data)) for n, data in enumerate(contents)]


async def error(response):
    """The text of an error, which is one line and nothing else."""
    assert {*response.json()} == {"error"}
    (line,) = response.json()["error"].splitlines()
    return line
