"""The loop that PyTorch's users write: DataLoader with workers, step after step."""

from typing import Any

import numpy as np
import torch
from torch.nn import functional
from torch_input import endless, loader
from torch_network import AlexNet, optimizer
from torch_step import FORMATS, precision
from worker import Task, serve


def prepare(job: dict[str, Any]) -> Task:
    """Make the task of a job: steps on the pictures of `tree`."""
    torch.set_num_threads(job["threads"])
    torch.manual_seed(0)
    layout = FORMATS["channels_last"]
    network = AlexNet(np.load(job["weights"]), job["side"], job["dropout"])
    network = network.to(memory_format=layout).train()
    update = optimizer(network, job["rate"], 2.0, job["decay"])
    batches = endless(loader(job, workers=job["threads"]))

    def train() -> None:
        for _ in range(job["calls"]):
            images, labels = next(batches)
            images = images.contiguous(memory_format=layout)
            update.zero_grad(set_to_none=True)
            with precision(job):
                logits = network(images)
            loss = functional.cross_entropy(logits.float(), labels)
            loss.backward()
            update.step()
            float(loss.detach())

    return Task(train, {"torch": torch.__version__}, calls=1)


if __name__ == "__main__":
    serve(prepare)
