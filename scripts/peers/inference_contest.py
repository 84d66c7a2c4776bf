"""Inference: images to class probabilities, one at a time and in batches.

Eight-bit integers are left out, which some peers have and ours has not.
"""

from typing import Any

from peers import targets
from peers.contestant import Contestant
from peers.environment import own_environment
from peers.group import TOLERANCES, Group, Settings
from peers.limits import limits

BATCH_SIZES = (1, 64)
# Script -> the packages that it needs.
PACKAGES = {
    "torch_inference.py": ("torch",),
    "onnx_inference.py": ("onnx", "onnxruntime"),
    "openvino_inference.py": ("openvino",),
    "litert_inference.py": ("ai-edge-litert",),
}


def groups(settings: Settings) -> list[Group]:
    """Return one group for each precision and batch size."""
    from peers import exports, our_network

    job = settings.job("float32", 1)
    files = our_network.write_network(job, settings.folder)
    files |= exports.write_exports({**job, **files}, settings.folder)
    return [
        _group(settings, settings.job(precision, batch, **files))
        for precision in settings.precisions
        for batch in settings.batch_sizes or BATCH_SIZES
    ]


def _group(settings: Settings, job: dict[str, Any]) -> Group:
    from peers import our_network

    precision, batch = job["precision"], job["batch_size"]
    return Group(
        "inference",
        precision,
        batch,
        (*_ours(job), *_peers(settings, job), *limits(job)),
        TOLERANCES[precision],
        {
            targets.MATRIX: batch * our_network.forward_operations(job),
            targets.MEMORY: our_network.weight_bytes(job),
        },
    )


def _ours(job: dict[str, Any]) -> list[Contestant]:
    runtimes = {targets.OURS: "tensorflow", targets.OURS_OPENVINO: "openvino"}
    return [
        Contestant(
            name,
            own_environment(),
            "our_inference.py",
            {**job, "runtime": runtime},
            "ours",
            job["batch_size"],
        )
        for name, runtime in runtimes.items()
    ]


def _peers(settings: Settings, job: dict[str, Any]) -> list[Contestant]:
    environment = settings.environment

    def one(name: str, script: str, **fields: Any) -> Contestant:
        return Contestant(
            name,
            environment.python,
            script,
            {**job, **fields},
            amount=job["batch_size"],
            absent=environment.absent(*PACKAGES[script]),
        )

    peers = [
        one(targets.EAGER, "torch_inference.py", compile=False),
        one(targets.COMPILED, "torch_inference.py", compile=True),
        one(targets.OPENVINO, "openvino_inference.py"),
    ]
    if job["precision"] == "float32":  # the others have no bfloat16 on such processors
        peers.append(one(targets.ONNX, "onnx_inference.py"))
        peers.append(one(targets.LITERT, "litert_inference.py"))
    return peers
