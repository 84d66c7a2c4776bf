"""PyTorch's training step: eager or compiled, float32 or autocast bfloat16."""

import contextlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional
from torch_network import AlexNet, optimizer
from worker import Task, serve

FORMATS = {
    "channels_first": torch.contiguous_format,
    "channels_last": torch.channels_last,
}


def prepare(job: dict[str, Any]) -> Task:
    """Make the step of a job in the memory format that is faster eagerly."""
    torch.set_num_threads(job["threads"])
    torch.manual_seed(0)
    images = np.random.default_rng(0).normal(
        0, 60, (job["batch_size"], job["side"], job["side"], 3)
    )
    labels = np.arange(job["batch_size"]) % job["classes"]
    batch = images.astype("float32"), labels
    name = job.get("memory_format") or faster_format(job, batch)
    facts = {"torch": torch.__version__, "memory_format": name}
    return Task(step(job, batch, name, job["dropout"], job["compile"]), facts)


def check(job: dict[str, Any]) -> np.ndarray:
    """Return the logits of the pictures after the job's steps without dropout."""
    torch.set_num_threads(job["threads"])
    batch = np.load(job["images"]), np.load(job["labels"])
    name = job.get("memory_format") or "channels_last"
    work, network, images = _step(job, batch, name, 0.0, job["compile"])
    for _ in range(job["steps"]):
        work()
    network.eval()
    with torch.no_grad(), precision(job):
        return network(images).float().numpy()


def faster_format(job: dict[str, Any], batch: tuple[np.ndarray, ...]) -> str:
    """Take one step of each memory format, after one that warms up."""

    def seconds(name: str) -> float:
        work = step(job, batch, name, job["dropout"], compiled=False)
        work()
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return min(FORMATS, key=seconds)


def step(
    job: dict[str, Any],
    batch: tuple[np.ndarray, ...],
    memory_format: str,
    dropout: float,
    compiled: bool,
) -> Callable[[], float]:
    """Return one training step on a batch again and again; it gives the loss."""
    return _step(job, batch, memory_format, dropout, compiled)[0]


def _step(job, batch, memory_format, dropout, compiled):
    layout = FORMATS[memory_format]
    network = AlexNet(np.load(job["weights"]), job["side"], dropout)
    network = network.to(memory_format=layout).train()
    update = optimizer(network, job["rate"], job["bias_rate"], job["decay"])
    images = torch.from_numpy(np.moveaxis(batch[0], -1, 1))
    images = images.contiguous(memory_format=layout)
    labels = torch.from_numpy(batch[1]).long()

    def loss_of(images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        with precision(job):
            logits = network(images)
        return functional.cross_entropy(logits.float(), labels)

    loss_of = torch.compile(loss_of) if compiled else loss_of

    def work() -> float:
        update.zero_grad(set_to_none=True)
        loss = loss_of(images, labels)
        loss.backward()
        update.step()
        return float(loss.detach())

    return work, network, images


def precision(job: dict[str, Any]) -> Any:
    """Return the scope of the forward pass."""
    if job["precision"] == "float32":
        return contextlib.nullcontext()
    return torch.autocast("cpu", torch.bfloat16)


if __name__ == "__main__":
    serve(prepare, check)
