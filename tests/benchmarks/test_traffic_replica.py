import json

import pytest

from scripts.benchmarks.system_process import SystemFailure
from scripts.benchmarks.traffic_replica import ReplicaProcesses, addresses


def test_every_process_gets_the_order_and_its_place(fake, tmp_path):
    with ReplicaProcesses(fake("r", [7.0, 1.0]), 3, tmp_path) as group:
        for seconds in (7.0, 1.0):
            spent = group.train()
            assert [own["seconds"] for own in spent] == [seconds] * 3
            assert all(own["processor"] >= 0 for own in spent)
        processes = [process._process for process in group.processes]
    assert all(process.returncode is not None for process in processes)


def test_several_find_each_other_and_one_needs_no_cluster():
    assert addresses(1) == [{}]
    configs = [json.loads(variables["TF_CONFIG"]) for variables in addresses(3)]
    assert [config["task"]["index"] for config in configs] == [0, 1, 2]
    assert all(config["cluster"] == configs[0]["cluster"] for config in configs)
    assert len({*configs[0]["cluster"]["worker"]}) == 3


def test_a_process_that_fails_is_an_error(fake, tmp_path):
    group = ReplicaProcesses(fake("r", broken="no memory"), 2, tmp_path)
    with pytest.raises(SystemFailure, match="ValueError: no memory"), group:
        pass
    assert {"0.log", "1.log"} <= {path.name for path in tmp_path.iterdir()}
