"""FFCV: its own file of the pictures, its decoder, and colours in PyTorch."""

import importlib.metadata
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ffcv.fields import IntField, RGBImageField
from ffcv.fields.decoders import IntDecoder, RandomResizedCropRGBImageDecoder
from ffcv.loader import Loader, OrderOption
from ffcv.transforms import RandomHorizontalFlip, ToTensor, ToTorchImage
from ffcv.writer import DatasetWriter
from torchvision.datasets import ImageFolder

from scripts.benchmarks.answer import Task, serve
from scripts.benchmarks.peers.torch import endless

JPEG_QUALITY = 95  # as our shards; FFCV encodes anew


def prepare(job: dict[str, Any]) -> Task:
    """Make the task of a job: augmented batches of the files of `tree`."""
    torch.set_num_threads(1)
    colours = np.load(job["colours"])
    mean = torch.from_numpy(colours["mean"]).permute(2, 0, 1)
    components = torch.from_numpy(colours["components"])
    path = Path(job["colours"]).with_name("pictures.beton")
    batches = endless(_loader(job, path))

    def work() -> torch.Tensor:
        images = next(batches)[0].float() - mean
        offsets = torch.randn(len(images), 3) @ components.T
        return (images + offsets[:, :, None, None]) / 1.1

    facts = {"ffcv": importlib.metadata.version("ffcv")}
    return Task(work, facts, calls=job["calls"], clock=time.process_time)


def _loader(job: dict[str, Any], path: Path) -> Loader:
    field = RGBImageField(write_mode="jpg", jpeg_quality=JPEG_QUALITY)
    writer = DatasetWriter(str(path), {"image": field, "label": IntField()})
    writer.from_indexed_dataset(ImageFolder(job["tree"]))
    side = job["side"]
    area = (side / job["stored"]) ** 2
    decoder = RandomResizedCropRGBImageDecoder(
        (side, side), scale=(area, area), ratio=(1.0, 1.0)
    )
    return Loader(
        str(path),
        batch_size=job["batch_size"],
        num_workers=1,
        order=OrderOption.RANDOM,
        os_cache=True,
        drop_last=True,
        pipelines={
            "image": [decoder, RandomHorizontalFlip(), ToTensor(), ToTorchImage()],
            "label": [IntDecoder(), ToTensor()],
        },
    )


if __name__ == "__main__":
    serve(prepare)
