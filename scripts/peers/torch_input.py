"""torchvision's ImageFolder and transforms behind a DataLoader."""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
import torchvision
from torch.utils.data import DataLoader
from torchvision import datasets
from torchvision.transforms import v2
from worker import Task, serve


def prepare(job: dict[str, Any]) -> Task:
    """Make the task of a job: augmented batches of the files of `tree`."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    batches = endless(loader(job, workers=0))
    facts = {"torchvision": torchvision.__version__, "torch": torch.__version__}
    return Task(
        lambda: next(batches), facts, calls=job["calls"], clock=time.process_time
    )


def loader(job: dict[str, Any], workers: int) -> DataLoader:
    """Return shuffled batches of the pictures, `(batch, 3, side, side)` float32."""
    transform = v2.Compose(
        [
            v2.RandomCrop(job["side"]),
            v2.RandomHorizontalFlip(),
            v2.PILToTensor(),
            v2.ToDtype(torch.float32),
            Colours(job["colours"]),
        ]
    )
    return DataLoader(
        datasets.ImageFolder(job["tree"], transform),
        batch_size=job["batch_size"],
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        persistent_workers=workers > 0,
    )


def endless(batches: DataLoader) -> Iterator[Any]:
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


if __name__ == "__main__":
    serve(prepare)
