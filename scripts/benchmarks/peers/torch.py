"""PyTorch, eager or compiled: step, inference, torchvision's input, its loop."""

import contextlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from scripts.benchmarks import answer
from scripts.benchmarks.answer import Task
from scripts.benchmarks.peers.torch_network import AlexNet, optimizer

LAYOUTS = (torch.channels_last, torch.contiguous_format)
Work = Callable[..., Any]


def step(job: dict, images: np.ndarray, labels: np.ndarray) -> tuple[Work, Work]:
    """Return a training step, which gives the loss, and the logits of the images.

    On a GPU the step is begun: who reads the loss waits for it.
    """
    batch = torch.from_numpy(np.moveaxis(images, -1, 1)), torch.from_numpy(labels)
    batch = tuple(part.to(device(job)) for part in batch)

    def made(layout: Any, compiled: bool = False) -> tuple[Work, Work]:
        train, network = _training(job, layout, compiled)
        own = batch[0].contiguous(memory_format=layout)

        def logits() -> np.ndarray:
            with torch.no_grad(), precision(job):
                return network.eval()(own).float().cpu().numpy()

        return lambda: train(own, batch[1]), logits

    return made(faster_layout(job, lambda layout: made(layout)[0]), job["compile"])


def inference(job: dict) -> Work:
    """Return a function from images, channels last, to probabilities."""
    images = answer.noise(job)

    def made(layout: Any, compiled: bool = False) -> Work:
        network = _network(job, layout).eval()
        if job["precision"] != "float32":
            # Once; autocast by itself would do it in every call.
            network.to(torch.bfloat16)
        forward = torch.compile(network) if compiled else network

        def probabilities(images: np.ndarray) -> np.ndarray:
            moved = torch.from_numpy(images).permute(0, 3, 1, 2)
            with torch.inference_mode(), precision(job):
                logits = forward(moved.contiguous(memory_format=layout))
            return torch.softmax(logits.float(), 1).numpy()

        return probabilities

    def timed(layout: Any) -> Work:
        eager = made(layout)
        return lambda: eager(images)

    return made(faster_layout(job, timed), job["compile"])


def faster_layout(job: dict, make: Callable[[Any], Work]) -> Any:
    """Take one eager call in each memory format, after one that warms up."""

    def seconds(layout: Any) -> float:
        work = make(layout)
        work()
        wait(job)
        start = time.perf_counter()
        work()
        wait(job)
        return time.perf_counter() - start

    return LAYOUTS[0] if "check" in job else min(LAYOUTS, key=seconds)


def device(job: dict) -> str:
    """Return what the job computes on: `cpu`, unless it says `cuda`."""
    return job.get("device", "cpu")


def wait(job: dict) -> None:
    """Wait until what was begun is done."""
    if device(job) == "cuda":
        torch.cuda.synchronize()


def precision(job: dict) -> Any:
    """Return the scope of the forward pass; on a GPU float32 is TF32."""
    if device(job) == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.benchmark = True
    if job["precision"] == "float32":
        return contextlib.nullcontext()
    return torch.autocast(device(job), torch.bfloat16)


def _network(job: dict, layout: Any) -> AlexNet:
    torch.manual_seed(0)
    weights = answer.channels_first(job["weights"])
    preset = job.get("preset", "released")
    network = AlexNet(weights, job["side"], job["dropout"], preset)
    return network.to(device(job), memory_format=layout)


def _training(job: dict, layout: Any, compiled: bool) -> tuple[Work, AlexNet]:
    """Return what trains on a batch and gives the loss, unread, and its network."""
    network = _network(job, layout).train()
    update = optimizer(network, job["rate"], job["bias_rate"], job["decay"])

    def loss_of(images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        with precision(job):
            logits = network(images.contiguous(memory_format=layout))
        return functional.cross_entropy(logits.float(), targets)

    loss_of = torch.compile(loss_of) if compiled else loss_of

    def train(*batch: torch.Tensor) -> torch.Tensor:
        update.zero_grad(set_to_none=True)
        loss = loss_of(*batch)
        loss.backward()
        update.step()
        return loss.detach()

    return train, network


def loader(job: dict, workers: int) -> Any:
    """Return shuffled batches of the pictures, `(batch, 3, side, side)` float32."""
    from torchvision import datasets
    from torchvision.transforms import v2

    colours = np.load(job["colours"])
    mean = torch.from_numpy(colours["mean"]).permute(2, 0, 1).contiguous()
    components = torch.from_numpy(colours["components"])

    def colour(image: torch.Tensor) -> torch.Tensor:
        offset = components @ torch.randn(3)
        return image.sub_(mean).add_(offset[:, None, None]).div_(1.1)

    changes = [v2.RandomCrop(job["side"]), v2.RandomHorizontalFlip()]
    changes += [v2.PILToTensor(), v2.ToDtype(torch.float32), colour]
    return torch.utils.data.DataLoader(
        datasets.ImageFolder(job["tree"], v2.Compose(changes)),
        batch_size=job["batch_size"],
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        persistent_workers=workers > 0,
    )


def augmented(job: dict) -> Task:
    """Take augmented batches of the files of `tree`."""
    return answer.stream_task(loader(job, workers=0), job)


def fit(job: dict) -> Task:
    """Make the loop that PyTorch's users write: DataLoader with workers."""
    train, _ = _training(job, torch.channels_last, compiled=False)
    batches = answer.endless(loader(job, workers=job["threads"]))
    taken = range(job["calls"])
    return Task(lambda: [train(*next(batches)) for _ in taken], calls=1)


if __name__ == "__main__":
    answer.serve_subjects(step=step, inference=inference, input=augmented, fit=fit)
