"""LiteRT, with its XNNPACK kernels, on the file that `alexnet export` writes."""

from collections.abc import Callable

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from scripts.benchmarks.answer import serve_subjects


def network(job: dict) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from images, channels last, to probabilities."""
    interpreter = Interpreter(job["litert"], num_threads=job["threads"])
    place = interpreter.get_input_details()[0]["index"]
    shape = (job["batch_size"], job["side"], job["side"], 3)
    interpreter.resize_tensor_input(place, shape)
    interpreter.allocate_tensors()
    result = interpreter.get_output_details()[0]["index"]

    def answer(images: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(place, images)
        interpreter.invoke()
        return interpreter.get_tensor(result)

    return answer


if __name__ == "__main__":
    serve_subjects(inference=network)
