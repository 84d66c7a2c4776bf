"""LiteRT, with its XNNPACK kernels, on what TensorFlow's converter wrote."""

import importlib.metadata
from collections.abc import Callable
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from worker import Task, serve


def prepare(job: dict[str, Any]) -> Task:
    """Make the answer to a batch of random pictures."""
    shape = (job["batch_size"], job["side"], job["side"], 3)
    images = np.random.default_rng(0).normal(0, 60, shape).astype("float32")
    answer = network(job, job["batch_size"])
    version = importlib.metadata.version("ai-edge-litert")
    return Task(lambda: answer(images), {"ai-edge-litert": version})


def check(job: dict[str, Any]) -> np.ndarray:
    """Return the probabilities of the pictures."""
    images = np.load(job["images"])
    return network(job, len(images))(images)


def network(job: dict[str, Any], batch_size: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from images, channels last, to probabilities."""
    interpreter = Interpreter(job["litert"], num_threads=job["threads"])
    place = interpreter.get_input_details()[0]["index"]
    shape = (batch_size, job["side"], job["side"], 3)
    interpreter.resize_tensor_input(place, shape)
    interpreter.allocate_tensors()
    result = interpreter.get_output_details()[0]["index"]

    def answer(images: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(place, images)
        interpreter.invoke()
        return interpreter.get_tensor(result)

    return answer


if __name__ == "__main__":
    serve(prepare, check)
