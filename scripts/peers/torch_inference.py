"""PyTorch's inference: eager or compiled, float32 or autocast bfloat16."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch_network import AlexNet
from torch_step import FORMATS, precision
from worker import Task, serve

Answer = Callable[[np.ndarray], np.ndarray]


def prepare(job: dict[str, Any]) -> Task:
    """Make the answer to a batch of random pictures."""
    shape = (job["batch_size"], job["side"], job["side"], 3)
    images = np.random.default_rng(0).normal(0, 60, shape).astype("float32")
    name = faster_format(job, images)
    facts = {"torch": torch.__version__, "memory_format": name}
    answer = network(job, name, job["compile"])
    return Task(lambda: answer(images), facts)


def check(job: dict[str, Any]) -> np.ndarray:
    """Return the probabilities of the pictures."""
    return network(job, "channels_last", job["compile"])(np.load(job["images"]))


def faster_format(job: dict[str, Any], images: np.ndarray) -> str:
    """Answer once in each memory format, after one answer that warms up."""

    def seconds(name: str) -> float:
        answer = network(job, name, compiled=False)
        answer(images)
        start = time.perf_counter()
        answer(images)
        return time.perf_counter() - start

    return min(FORMATS, key=seconds)


def network(job: dict[str, Any], memory_format: str, compiled: bool) -> Answer:
    """Return a function from images, channels last, to probabilities."""
    torch.set_num_threads(job["threads"])
    layout = FORMATS[memory_format]
    model = AlexNet(np.load(job["weights"]), job["side"], job["dropout"])
    if job["precision"] != "float32":
        # Once; autocast by itself would do it in every call.
        for layer in (*model.convolutions, *model.dense):
            layer.to(torch.bfloat16)
    model = model.to(memory_format=layout).eval()
    forward = torch.compile(model) if compiled else model

    def answer(images: np.ndarray) -> np.ndarray:
        channels_first = torch.from_numpy(images).permute(0, 3, 1, 2)
        with torch.inference_mode(), precision(job):
            logits = forward(channels_first.contiguous(memory_format=layout))
        return torch.softmax(logits.float(), 1).numpy()

    return answer


if __name__ == "__main__":
    serve(prepare, check)
