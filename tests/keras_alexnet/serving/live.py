"""A server that listens at a port of this machine, in a thread of this process."""

import socket
import threading
from contextlib import contextmanager

import uvicorn

from keras_alexnet.serving.app import create_app
from keras_alexnet.serving.connections import timed_connections
from keras_alexnet.serving.options import ServingOptions
from keras_alexnet.serving.server import bind
from tests.keras_alexnet.serving.client import QUICK

SECONDS = 60  # after which a test fails that waits in vain


@contextmanager
def listening(network, **fields):
    """Give the port of a network that is served; fields are those of the options."""
    options = ServingOptions(**{**QUICK, **fields})
    connections = timed_connections(options.sender_seconds)
    config = uvicorn.Config(
        create_app(network, options), log_config=None, ws="none", http=connections
    )
    server, started = uvicorn.Server(config), threading.Event()
    startup = server.startup

    async def start(sockets=None):
        await startup(sockets)
        started.set()

    server.startup = start
    taken = bind("127.0.0.1", 0)
    port = taken.getsockname()[1]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
    thread.start()
    try:
        assert started.wait(SECONDS)
        yield port
    finally:
        server.should_exit = True
        thread.join()


def talk(port, *parts, close=False):
    """Send bytes as they are and return all that comes back until the end."""
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        for part in parts:
            connection.sendall(part)
        if close:
            connection.shutdown(socket.SHUT_WR)
        found = b""
        while part := connection.recv(65536):
            found += part
    return found
