"""A server for a browser, in a thread, that can be stopped and started again."""

import socket
import threading
import time

import uvicorn

from keras_alexnet.serving.app import create_app
from keras_alexnet.serving.options import ServingOptions

QUICK = {"max_batch": 8, "max_wait_ms": 0, "max_bytes": 200_000, "name": "small"}


class PageServer:
    """Serves a network at `address` until `stop`; the port stays the same."""

    def __init__(self, network, search=None):
        self.network, self.search = network, search
        self.port = 0
        self.start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        """Answer; the warm-up is over when it returns."""
        taken = socket.socket()
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", self.port))
        self.port = taken.getsockname()[1]
        app = create_app(self.network, ServingOptions(**QUICK), search=self.search)
        config = uvicorn.Config(
            app, log_config=None, access_log=False, timeout_graceful_shutdown=5
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, args=([taken],))
        self.thread.start()
        while not self.server.started:
            assert self.thread.is_alive()
            time.sleep(0.01)

    def stop(self):
        """End, and let nothing of it behind."""
        self.server.should_exit = True
        self.thread.join()
