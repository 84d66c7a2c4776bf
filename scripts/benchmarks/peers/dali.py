"""NVIDIA's DALI on the CPU: fused decoding of the crop, then its operators."""

import time
from typing import Any

import numpy as np
import nvidia.dali as dali
from nvidia.dali import fn, types

from scripts.benchmarks.answer import Task, serve


def prepare(job: dict[str, Any]) -> Task:
    """Make the task of a job: augmented batches of the files of `tree`."""
    colours = np.load(job["colours"])
    pipeline = _pipeline(job, colours["mean"], colours["components"])
    pipeline.build()
    return Task(
        pipeline.run,
        {"nvidia-dali": dali.__version__},
        calls=job["calls"],
        clock=time.process_time,
    )


def _pipeline(
    job: dict[str, Any], mean: np.ndarray, components: np.ndarray
) -> dali.Pipeline:
    part = job["side"] / job["stored"]

    @dali.pipeline_def(
        batch_size=job["batch_size"], num_threads=1, device_id=None, seed=0
    )
    def define() -> Any:
        files, labels = fn.readers.file(file_root=job["tree"], random_shuffle=True)
        corner = fn.random.uniform(range=(0.0, 1.0 - part), shape=[2])
        images = fn.decoders.image_slice(
            files, corner, [part, part], axis_names="HW", output_type=types.RGB
        )
        images = fn.flip(images, horizontal=fn.random.coin_flip())
        normal = fn.random.normal(shape=[3])
        offset = fn.reductions.sum(types.Constant(components) * normal, axes=1)
        return (images - types.Constant(mean) + offset) / 1.1, labels

    return define()


if __name__ == "__main__":
    serve(prepare)
