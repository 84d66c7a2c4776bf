"""ONNX Runtime on the file that `alexnet export` writes."""

from collections.abc import Callable

import numpy as np
import onnxruntime

from scripts.benchmarks.answer import serve_subjects


def network(job: dict) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from images, channels last, to probabilities."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = job["threads"]
    session = onnxruntime.InferenceSession(
        job["onnx"], options, providers=["CPUExecutionProvider"]
    )

    def answer(images: np.ndarray) -> np.ndarray:
        moved = np.ascontiguousarray(np.moveaxis(images, -1, 1))
        return session.run(["probabilities"], {"images": moved})[0]

    return answer


if __name__ == "__main__":
    serve_subjects(inference=network)
