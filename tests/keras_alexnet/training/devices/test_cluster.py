import json
import os

import pytest

from keras_alexnet.training.devices.cluster import find_cluster
from tfrecords.errors import UserError

VARIABLES = (
    *("STEP_NUM_TASKS", "STEP_NODELIST", "STEP_TASKS_PER_NODE", "PROCID", "LOCALID"),
)


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch):
    """A machine of its own, whatever the tests run on."""
    for name in (*(f"SLURM_{name}" for name in VARIABLES), "TF_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("SLURMD_NODENAME", raising=False)


def slurm(monkeypatch, node, **values):
    """The environment of one task of a step on node2 and node10, two tasks on each."""
    values = {
        "STEP_NUM_TASKS": 4,
        "STEP_NODELIST": "node[2,10]",
        "STEP_TASKS_PER_NODE": "2(x2)",
        **values,
    }
    for name, value in values.items():
        monkeypatch.setenv(f"SLURM_{name}", str(value))
    if node is not None:
        monkeypatch.setenv("SLURMD_NODENAME", node)


def test_tf_config_is_read(monkeypatch):
    workers = ["one:1", "two:2"]
    task = {"type": "worker", "index": 1}
    monkeypatch.setenv(
        "TF_CONFIG", json.dumps({"cluster": {"worker": workers}, "task": task})
    )
    cluster = find_cluster()
    assert cluster.workers.as_dict() == {"worker": workers}
    assert (cluster.job, cluster.task) == ("worker", 1)


@pytest.mark.parametrize(
    ("node", "rank", "local", "address"),
    [
        ("node2", 0, 0, "node2:8888"),
        ("node2", 1, 1, "node2:8889"),
        ("node10", 2, 0, "node10:8888"),
        ("node10", 3, 1, "node10:8889"),
    ],
)
def test_each_task_of_a_slurm_step_listens_where_it_runs(
    monkeypatch, node, rank, local, address
):
    slurm(monkeypatch, node, PROCID=rank, LOCALID=local)
    cluster = find_cluster()
    assert cluster.job == "worker"
    workers = cluster.workers.as_dict()["worker"]
    assert workers[cluster.task] == address
    assert sorted(workers) == [
        *("node10:8888", "node10:8889", "node2:8888", "node2:8889"),
    ]


def test_without_the_name_of_its_node_a_task_goes_by_its_rank(monkeypatch):
    slurm(monkeypatch, None, STEP_NODELIST="node[1-2]", PROCID=2)
    cluster = find_cluster()
    assert cluster.workers.as_dict()["worker"][cluster.task] == "node2:8888"


def test_slurm_leaves_the_gpus_as_they_are(monkeypatch):
    slurm(monkeypatch, "node2", PROCID=0, LOCALID=0)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6,7")
    find_cluster()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "4,5,6,7"


def test_a_node_that_is_not_in_the_step_is_named(monkeypatch):
    slurm(monkeypatch, "node3", PROCID=0, LOCALID=0)
    with pytest.raises(UserError, match="node3:8888.*TF_CONFIG"):
        find_cluster()


@pytest.mark.parametrize(
    "config", ["{}", '{"cluster": {"worker": ["a:1"]}}', '{"task": {"index": 0}}']
)
def test_half_a_tf_config_is_refused(monkeypatch, config):
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(UserError, match="TF_CONFIG a cluster"):
        find_cluster()


def test_no_cluster_at_all_is_refused():
    with pytest.raises(UserError, match="alexnet launch.*docs/distributed.md"):
        find_cluster()


@pytest.mark.parametrize(
    "text",
    [
        "worker",
        "{",
        "[]",
        "3",
        '{"cluster": {"worker": ["one:1"]}}',
        '{"cluster": ["one:1"], "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["one:1"]}, "task": "worker"}',
        '{"cluster": {"worker": ["one:1"]}, "task": {"type": "worker"}}',
        '{"cluster": {"worker": ["one:1"]}, "task": {"type": "worker", "index": "a"}}',
        '{"cluster": {"worker": ["one:1"]}, "task": {"type": "worker", "index": 1}}',
        '{"cluster": {"worker": ["one:1"]}, "task": {"type": "worker", "index": -1}}',
        '{"cluster": {"worker": ["one:1"]}, "task": {"type": "ps", "index": 0}}',
        '{"cluster": {"worker": ["one"]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": [1]}, "task": {"type": "worker", "index": 0}}',
    ],
)
def test_a_tf_config_of_another_form_is_refused_with_an_example(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UserError) as error:
        find_cluster()
    assert str(error.value).startswith("Expected in TF_CONFIG a cluster with workers")
    assert '"task": {"type": "worker", "index": 0}}, got ' in str(error.value)
    assert str(error.value).endswith(f"got {text}.")
