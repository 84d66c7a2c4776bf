"""NVIDIA's DALI on the CPU: fused decoding of the crop, then its operators."""

import numpy as np
import nvidia.dali as dali
from nvidia.dali import fn, types

from scripts.benchmarks.answer import Task, serve, stream_task


def prepare(job: dict) -> Task:
    """Make the task of a job: augmented batches of the files of `tree`."""
    colours = np.load(job["colours"])
    part = job["side"] / job["stored"]
    sizes = {"batch_size": job["batch_size"], "num_threads": 1}

    @dali.pipeline_def(**sizes, device_id=None, seed=0)
    def define():
        files, labels = fn.readers.file(file_root=job["tree"], random_shuffle=True)
        corner = fn.random.uniform(range=(0.0, 1.0 - part), shape=[2])
        place = {"axis_names": "HW", "output_type": types.RGB}
        images = fn.decoders.image_slice(files, corner, [part, part], **place)
        images = fn.flip(images, horizontal=fn.random.coin_flip())
        normal = fn.random.normal(shape=[3])
        spread = types.Constant(colours["components"]) * normal
        offset = fn.reductions.sum(spread, axes=1)
        return (images - types.Constant(colours["mean"]) + offset) / 1.1, labels

    pipeline = define()
    pipeline.build()
    return stream_task(iter(pipeline.run, None), job)


if __name__ == "__main__":
    serve(prepare)
