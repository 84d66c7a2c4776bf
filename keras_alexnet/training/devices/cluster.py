"""The workers of a run, as TF_CONFIG or a Slurm step describes them."""

import json
import os
import re
from dataclasses import dataclass

import tensorflow as tf

from tfrecords.errors import UserError

SLURM_PORT = 8888  # of the first worker on a node
_ADDRESS = re.compile(r".+:\d+")


@dataclass(frozen=True)
class Cluster:
    """The processes of a training run.

    Attributes:
        workers: Their addresses.
        job: Kind of this process, `worker` or `chief`.
        task: Its number among those of its kind.
    """

    workers: tf.train.ClusterSpec
    job: str
    task: int


def find_cluster() -> Cluster:
    """Read who the workers are and which of them this process is.

    TF_CONFIG comes first, then the variables of a Slurm step.

    Raises:
        UserError: Neither is there, or they contradict themselves.
    """
    if os.environ.get("TF_CONFIG"):
        return _described_cluster(os.environ["TF_CONFIG"])
    if "SLURM_STEP_NUM_TASKS" in os.environ:
        return _slurm_cluster()
    raise UserError(
        "Expected the workers in TF_CONFIG, or to run in a Slurm step, for --strategy "
        "multiworker. On one machine: alexnet launch 2 -- train ...; on "
        "several see docs/distributed.md."
    )


def _described_cluster(text: str) -> Cluster:
    try:
        given = json.loads(text)
        spec = tf.train.ClusterSpec(given["cluster"])
        job, task = given["task"]["type"], int(given["task"]["index"])
        if _ADDRESS.fullmatch(spec.task_address(job, task)):
            return Cluster(spec, job, task)
    except (ValueError, TypeError, LookupError, AttributeError):
        pass
    raise UserError(
        "Expected in TF_CONFIG a cluster with workers and the task of this process, as "
        'JSON such as {"cluster": {"worker": ["host1:port", "host2:port"]}, "task": '
        f'{{"type": "worker", "index": 0}}}}, got {text}.'
    )


def _slurm_cluster() -> Cluster:
    """Read the cluster from a Slurm step; GPUs are Slurm's own affair.

    TensorFlow sorts the nodes by name, so that node10 comes before node2, and takes the
    rank of the process for its place in that order. The place is looked up instead.
    """
    tasks = int(os.environ["SLURM_STEP_NUM_TASKS"])
    given = tf.distribute.cluster_resolver.SlurmClusterResolver(
        port_base=SLURM_PORT, gpus_per_node=tasks, gpus_per_task=1, auto_set_gpu=False
    )
    spec = given.cluster_spec()
    node, local = (os.environ.get(f"SLURM{n}") for n in ("D_NODENAME", "_LOCALID"))
    if node is None or local is None:
        return Cluster(spec, "worker", given.task_id)
    address = f"{node}:{SLURM_PORT + int(local)}"
    addresses = spec.as_dict()["worker"]
    if address not in addresses:
        raise UserError(
            f"Expected {address} among the workers of this Slurm step, got "
            f"{', '.join(addresses)}. Set TF_CONFIG instead."
        )
    return Cluster(spec, "worker", addresses.index(address))
