"""OpenVINO on a SavedModel, converted and compiled for one batch size."""

from collections.abc import Callable
from typing import Any

import numpy as np
import openvino
from worker import Task, serve

# Always said: of itself OpenVINO takes bfloat16 on machines that have it.
HINTS = {"float32": "f32", "mixed_bfloat16": "bf16"}


def prepare(job: dict[str, Any]) -> Task:
    """Make the answer to a batch of random pictures."""
    shape = (job["batch_size"], job["side"], job["side"], 3)
    images = np.random.default_rng(0).normal(0, 60, shape).astype("float32")
    answer = network(job, job["batch_size"])
    return Task(lambda: answer(images), {"openvino": openvino.__version__})


def check(job: dict[str, Any]) -> np.ndarray:
    """Return the probabilities of the pictures."""
    images = np.load(job["images"])
    return network(job, len(images))(images)


def network(job: dict[str, Any], batch_size: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from images, channels last, to probabilities."""
    model = openvino.convert_model(job["portable"])
    model.reshape([batch_size, job["side"], job["side"], 3])
    compiled = openvino.compile_model(
        model,
        "CPU",
        {
            "INFERENCE_PRECISION_HINT": HINTS[job["precision"]],
            "INFERENCE_NUM_THREADS": job["threads"],
            "PERFORMANCE_HINT": "LATENCY",
        },
    )
    request = compiled.create_infer_request()
    return lambda images: request.infer([images], share_inputs=True)[0].copy()


if __name__ == "__main__":
    serve(prepare, check)
