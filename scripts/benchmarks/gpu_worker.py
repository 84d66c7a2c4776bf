"""The process of a library: it prepares works and times them when it is told to.

    python -P -m scripts.benchmarks.gpu_worker JOB.json

Each line of stdin is JSON with `subject` and `name` of a work. If it has a `job` too,
the work is done once, and answered by `{"ready": {"peak_bytes": n}}`, or by `{"ready":
{"error": "reason"}}`, which leaves the others; else `{"seconds": s}` tells how long one
takes, as `mean_seconds` measures it. Works of the subject before are forgotten.
"""

import contextlib
import json
import sys
from collections.abc import Callable
from typing import Any

from keras_alexnet.benchmark.operations import mean_seconds, repeated
from keras_alexnet.presets import Preset, find_preset
from scripts.benchmarks.answer import error_line, noise, open_answers, task_labels

Call = Callable[..., float]


def main() -> None:
    """Answer on stdout until stdin ends."""
    answer, subject = open_answers(), None
    calls: dict[str, Call] = {}
    seconds: dict[str, Callable[[], float]] = {}
    for order in map(json.loads, sys.stdin):
        name = order["name"]
        if order["subject"] != subject:
            subject = order["subject"]
            calls.clear()
            seconds.clear()
        if "job" not in order:
            if name not in seconds:
                seconds[name] = mean_seconds(calls[name])
            answer(seconds=seconds[name]())
            continue
        try:
            calls[name], peak = prepare(order["job"])
            answer(ready={"peak_bytes": peak})
        except Exception as error:  # such as too little memory for this one
            answer(ready={"error": error_line(error)})


def prepare(job: dict) -> tuple[Call, int | None]:
    """Do a work once; return what repeats it, and the bytes of the GPU that it took.

    Those are what it has and what it needed at once, beside what was there before; None
    of PyTorch, and without a GPU.
    """
    if job["work"] == "torch":
        return done_once(torch_step(job)), None
    from keras_alexnet.benchmark.device import forget_peak, peak_bytes

    forget_peak()
    before = peak_bytes()
    with _forms(job):
        call = done_once(our_answer(job) if job["work"] == "answer" else step_of(job))
    peak = peak_bytes()
    return call, None if peak is None or before is None else peak - before


def done_once(call: Call) -> Call:
    """Do a work, which traces and compiles it."""
    call()
    return call


def step_of(job: dict) -> Call:
    """Return training steps of ours, or of the same from parts that Keras ships."""
    from keras_alexnet.benchmark.step import repeated_step
    from keras_alexnet.benchmark.stock import stock_network
    from keras_alexnet.training.compile import compile_network

    make = stock_network if job["work"] == "stock" else compile_network
    model = make(_preset(job), job["classes"])
    model.jit_compile = job["xla"]
    return repeated_step(model, _batch(job))


def our_answer(job: dict) -> Call:
    """Return forward passes of ours."""
    from keras_alexnet.benchmark.inference import repeated_answer
    from keras_alexnet.models import alexnet

    fields = {"seed": 0, "dtype": job["precision"]}
    model = alexnet(_preset(job), job["classes"], **fields)
    return repeated_answer(model, _batch(job)[0], job["xla"])


def torch_step(job: dict) -> Call:
    """Return training steps of PyTorch, on the GPU if it sees one."""
    import torch

    from scripts.benchmarks.peers import torch as peer

    device = "cuda" if torch.cuda.is_available() else "cpu"
    step, _ = peer.step({**job, "device": device}, noise(job), task_labels(job))
    return repeated(step)


def _preset(job: dict) -> Preset:
    fields = {"precision": job["precision"], "batch_size": job["batch_size"]}
    fields |= {"learning_rate": job["rate"], "xla": job["xla"], **job["overrides"]}
    return find_preset(job["preset"]).replace(**fields)


def _batch(job: dict) -> tuple[Any, Any]:
    from keras_alexnet.benchmark.step import noise as noise_of

    return noise_of(job["batch_size"], job["side"], job["classes"])


def _forms(job: dict) -> contextlib.AbstractContextManager[None]:
    """Return the context in which a work is traced in the forms that it asks for."""
    if job["forms"] is None:
        return contextlib.nullcontext()
    from keras_alexnet.layers.kernel_forms import KernelForms, use_forms

    return use_forms(KernelForms(**job["forms"]))


if __name__ == "__main__":
    main()
