"""OpenVINO on the file that `alexnet export` writes, compiled for one batch size."""

from collections.abc import Callable

import numpy as np
import openvino

from scripts.benchmarks.answer import serve_subjects

# Always said: of itself OpenVINO takes bfloat16 on machines that have it.
HINTS = {"float32": "f32", "mixed_bfloat16": "bf16"}


def network(job: dict) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from images, channels last, to probabilities."""
    model = openvino.Core().read_model(job["openvino"])
    model.reshape([job["batch_size"], job["side"], job["side"], 3])
    options = {
        "INFERENCE_PRECISION_HINT": HINTS[job["precision"]],
        "INFERENCE_NUM_THREADS": job["threads"],
        "PERFORMANCE_HINT": "LATENCY",
    }
    request = openvino.compile_model(model, "CPU", options).create_infer_request()
    return lambda images: request.infer([images], share_inputs=True)[0].copy()


if __name__ == "__main__":
    serve_subjects(inference=network)
