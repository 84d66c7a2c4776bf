"""Whole training steps: forward, backward and update."""

from typing import Any

from peers import targets
from peers.contestant import Contestant
from peers.environment import own_environment
from peers.group import TOLERANCES, Group, Settings
from peers.limits import limits

BATCH_SIZES = (128,)
CHECKED_STEPS = 2  # after which all must give the same logits


def groups(settings: Settings) -> list[Group]:
    """Return one group for each precision and batch size."""
    from peers import our_network

    job = settings.job("float32", 1, steps=CHECKED_STEPS)
    files = our_network.write_network(job, settings.folder)
    operations = our_network.step_operations(job)
    return [
        _group(settings, precision, batch, files, operations)
        for precision in settings.precisions
        for batch in settings.batch_sizes or BATCH_SIZES
    ]


def _group(
    settings: Settings, precision: str, batch: int, files: dict, operations: int
) -> Group:
    job = settings.job(precision, batch, steps=CHECKED_STEPS, **files)
    ours, theirs = own_environment(), settings.environment.python

    def one(name: str, script: str, kind: str = "peer", **fields: Any) -> Contestant:
        python, absent = ours, None
        if script.startswith(("torch", "jax")):
            python, package = theirs, script.split("_")[0]
            absent = settings.environment.absent(package)
        return Contestant(name, python, script, {**job, **fields}, kind, batch, absent)

    contestants = [
        one(targets.OURS, "our_step.py", "ours", stock=False),
        one(targets.STOCK, "our_step.py", stock=True),
        one(targets.EAGER, "torch_step.py", compile=False),
        one(targets.COMPILED, "torch_step.py", compile=True),
        one(targets.JAX, "jax_step.py"),
        *limits(job),
    ]
    if precision != "float32":
        float32 = {"stock": False, "precision": "float32"}
        yardstick = one(targets.OURS_FLOAT32, "our_step.py", "yardstick", **float32)
        contestants.insert(1, yardstick)
    return Group(
        "step",
        precision,
        batch,
        tuple(contestants),
        TOLERANCES[precision],
        {targets.MATRIX: batch * operations},
    )
