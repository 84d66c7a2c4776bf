#!/usr/bin/env python
"""A server as it is written in ten minutes, to compare with: a handler, the model.

    python scripts/benchmarks/plain_handler.py NETWORK

FastAPI runs the handler in one of its threads, and it predicts one picture.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])  # profile.py here is not Python's

import uvicorn
from fastapi import Body, FastAPI

from keras_alexnet import load
from keras_alexnet.serving.server import bind
from keras_alexnet.trained.network import TrainedNetwork
from tfrecords.plain_text import say


def handler(network: TrainedNetwork) -> FastAPI:
    """Return the application."""
    app = FastAPI()

    @app.post("/predict")
    def predict(data: bytes = Body(media_type="image/jpeg")) -> dict:
        (found,) = network.predict([data])
        return {"predictions": [found.as_dict()]}

    return app


def main(folder: str) -> None:
    """Answer until it is killed."""
    app = handler(load(folder))
    with bind("127.0.0.1", 0) as taken:
        say(f"http://127.0.0.1:{taken.getsockname()[1]}")
        server = uvicorn.Server(uvicorn.Config(app, access_log=False, log_config=None))
        server.run(sockets=[taken])


if __name__ == "__main__":
    main(*sys.argv[1:])
