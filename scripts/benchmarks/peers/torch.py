"""PyTorch, eager or compiled: step, inference, torchvision's input, its loop."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from scripts.benchmarks.answer import Task, labels, noise, serve
from scripts.benchmarks.peers.torch_network import AlexNet, optimizer

FORMATS = {
    "channels_first": torch.contiguous_format,
    "channels_last": torch.channels_last,
}


def prepare(job: dict[str, Any]) -> Task:
    """Make the task of a job; a call in the memory format that is faster eagerly."""
    torch.set_num_threads(job["threads"])
    torch.manual_seed(0)
    if job["subject"] in ("input", "fit"):
        return (_input if job["subject"] == "input" else _fit)(job)
    name = job.get("memory_format") or faster_format(job)
    facts = {"torch": torch.__version__, "memory_format": name}
    return Task(_call(job, name, job["compile"]), facts)


def check(job: dict[str, Any]) -> np.ndarray:
    """Return the answer to the pictures: probabilities, or logits after some steps."""
    torch.set_num_threads(job["threads"])
    images = np.load(job["images"])
    name = job.get("memory_format") or "channels_last"
    if job["subject"] == "inference":
        return inference(job, name, job["compile"])(images)
    batch = images, np.load(job["labels"])
    work, network, tensors = step(job, batch, name, 0.0, job["compile"])
    for _ in range(job["steps"]):
        work()
    network.eval()
    with torch.no_grad(), precision(job):
        return network(tensors).float().numpy()


def faster_format(job: dict[str, Any]) -> str:
    """Take one call in each memory format, after one that warms up."""

    def seconds(name: str) -> float:
        work = _call(job, name, compiled=False)
        work()
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return min(FORMATS, key=seconds)


def _call(job: dict[str, Any], name: str, compiled: bool) -> Callable[[], Any]:
    images = noise(job)
    if job["subject"] == "inference":
        answer = inference(job, name, compiled)
        return lambda: answer(images)
    return step(job, (images, labels(job)), name, job["dropout"], compiled)[0]


def step(
    job: dict[str, Any],
    batch: tuple[np.ndarray, ...],
    memory_format: str,
    dropout: float,
    compiled: bool,
) -> tuple[Callable[[], float], AlexNet, torch.Tensor]:
    """Return a training step, which gives the loss, its network and its images."""
    layout = FORMATS[memory_format]
    network, update = _network(job, layout, dropout, job["bias_rate"])
    images = torch.from_numpy(np.moveaxis(batch[0], -1, 1))
    images = images.contiguous(memory_format=layout)
    targets = torch.from_numpy(batch[1]).long()

    def loss_of(images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        with precision(job):
            logits = network(images)
        return functional.cross_entropy(logits.float(), targets)

    loss_of = torch.compile(loss_of) if compiled else loss_of
    return lambda: _train(update, loss_of, images, targets), network, images


def _network(
    job: dict[str, Any], layout: Any, dropout: float, bias_rate: float
) -> tuple[AlexNet, torch.optim.SGD]:
    network = AlexNet(np.load(job["weights"]), job["side"], dropout)
    network = network.to(memory_format=layout).train()
    return network, optimizer(network, job["rate"], bias_rate, job["decay"])


def _train(update: torch.optim.SGD, loss_of: Callable, *batch: torch.Tensor) -> float:
    update.zero_grad(set_to_none=True)
    loss = loss_of(*batch)
    loss.backward()
    update.step()
    return float(loss.detach())


def inference(
    job: dict[str, Any], memory_format: str, compiled: bool
) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from images, channels last, to probabilities."""
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


def precision(job: dict[str, Any]) -> Any:
    """Return the scope of the forward pass."""
    if job["precision"] == "float32":
        return contextlib.nullcontext()
    return torch.autocast("cpu", torch.bfloat16)


def _input(job: dict[str, Any]) -> Task:
    import torchvision

    torch.set_num_threads(1)
    batches = endless(loader(job, workers=0))
    facts = {"torchvision": torchvision.__version__, "torch": torch.__version__}
    return Task(
        lambda: next(batches), facts, calls=job["calls"], clock=time.process_time
    )


def loader(job: dict[str, Any], workers: int) -> Any:
    """Return shuffled batches of the pictures, `(batch, 3, side, side)` float32."""
    from torchvision import datasets
    from torchvision.transforms import v2

    transform = v2.Compose(
        [
            v2.RandomCrop(job["side"]),
            v2.RandomHorizontalFlip(),
            v2.PILToTensor(),
            v2.ToDtype(torch.float32),
            Colours(job["colours"]),
        ]
    )
    return torch.utils.data.DataLoader(
        datasets.ImageFolder(job["tree"], transform),
        batch_size=job["batch_size"],
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        persistent_workers=workers > 0,
    )


def endless(batches: Any) -> Iterator[Any]:
    """Start again and again."""
    while True:
        yield from batches


class Colours:
    """Subtract the mean image, add a random colour, divide by 1.1."""

    def __init__(self, path: str) -> None:
        colours = np.load(path)
        self.mean = torch.from_numpy(colours["mean"]).permute(2, 0, 1).contiguous()
        self.components = torch.from_numpy(colours["components"])

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        offset = self.components @ torch.randn(3)
        return image.sub_(self.mean).add_(offset[:, None, None]).div_(1.1)


def _fit(job: dict[str, Any]) -> Task:
    """Make the loop that PyTorch's users write: DataLoader with workers."""
    layout = FORMATS["channels_last"]
    network, update = _network(job, layout, job["dropout"], 2.0)
    batches = endless(loader(job, workers=job["threads"]))

    def loss_of(images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        with precision(job):
            logits = network(images.contiguous(memory_format=layout))
        return functional.cross_entropy(logits.float(), targets)

    def train() -> None:
        for _ in range(job["calls"]):
            _train(update, loss_of, *next(batches))

    return Task(train, {"torch": torch.__version__}, calls=1)


if __name__ == "__main__":
    serve(prepare, check)
