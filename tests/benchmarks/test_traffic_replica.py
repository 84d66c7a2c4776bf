import json

import pytest

from scripts.benchmarks.system_process import SystemFailure
from scripts.benchmarks.traffic_replica import ReplicaProcesses, _addresses


def replicas(system, count, folder, timeout=60):
    return ReplicaProcesses(system.program, system.job, count, folder, timeout)


def test_every_process_gets_the_order_and_its_place(fake, tmp_path):
    with replicas(fake("r", [7.0, 1.0]), 3, tmp_path) as group:
        assert [spent["seconds"] for spent in group.train()] == [7.0] * 3
        spent = group.train()
        assert [s["seconds"] for s in spent] == [1.0] * 3
        assert all(s["processor"] >= 0 for s in spent)
        processes = [process._process for process in group.processes]
    assert all(process.returncode is not None for process in processes)


def test_several_find_each_other_and_one_needs_no_cluster():
    assert _addresses(1) == [{}]
    configs = [json.loads(variables["TF_CONFIG"]) for variables in _addresses(3)]
    assert [config["task"]["index"] for config in configs] == [0, 1, 2]
    assert all(config["cluster"] == configs[0]["cluster"] for config in configs)
    assert len({*configs[0]["cluster"]["worker"]}) == 3


def test_a_process_that_fails_is_an_error(fake, tmp_path):
    with pytest.raises(SystemFailure, match="ValueError: no memory"):
        replicas(fake("r", broken="no memory"), 2, tmp_path)
    assert {"0.log", "1.log"} <= {path.name for path in tmp_path.iterdir()}


def test_a_process_that_is_never_ready_is_stopped(fake, tmp_path):
    with pytest.raises(SystemFailure, match="no answer within 0.1 s"):
        replicas(fake("r", silent=True), 2, tmp_path, timeout=0.1)
