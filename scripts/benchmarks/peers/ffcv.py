"""FFCV: its own file of the pictures, its decoder, and colours in PyTorch."""

from pathlib import Path

import numpy as np
import torch
from ffcv.fields import IntField, RGBImageField
from ffcv.fields.decoders import IntDecoder, RandomResizedCropRGBImageDecoder
from ffcv.loader import Loader, OrderOption
from ffcv.transforms import RandomHorizontalFlip, ToTensor, ToTorchImage
from ffcv.writer import DatasetWriter
from torchvision.datasets import ImageFolder

from scripts.benchmarks.answer import Task, endless, serve, stream_task

JPEG_QUALITY = 95  # as our shards; FFCV encodes anew


def prepare(job: dict) -> Task:
    """Make the task of a job: augmented batches of the files of `tree`."""
    colours = np.load(job["colours"])
    mean = torch.from_numpy(colours["mean"]).permute(2, 0, 1)
    components = torch.from_numpy(colours["components"])

    def finish(batch: tuple[torch.Tensor, ...]) -> torch.Tensor:
        offsets = torch.randn(len(batch[0]), 3) @ components.T
        return (batch[0].float() - mean + offsets[:, :, None, None]) / 1.1

    return stream_task(map(finish, endless(_loader(job))), job)


def _loader(job: dict) -> Loader:
    path = str(Path(job["colours"]).with_name("pictures.beton"))
    field = RGBImageField(write_mode="jpg", jpeg_quality=JPEG_QUALITY)
    writer = DatasetWriter(path, {"image": field, "label": IntField()})
    writer.from_indexed_dataset(ImageFolder(job["tree"]))
    side, area = job["side"], (job["side"] / job["stored"]) ** 2
    crop = {"scale": (area, area), "ratio": (1.0, 1.0)}
    decoder = RandomResizedCropRGBImageDecoder((side, side), **crop)
    return Loader(
        path,
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
