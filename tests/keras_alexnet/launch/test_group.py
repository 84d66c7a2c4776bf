"""What becomes of the workers of one start, with a stand-in for each."""

import json
import os
import select
import signal
import sys
from pathlib import Path

import pytest

from keras_alexnet.launch.group import WorkerGroup, free_ports, split_gpus
from tfrecords.errors import UserError


def starts(folder, number):
    lines = (folder / f"starts-{number}").read_text().splitlines()
    return [json.loads(line) for line in lines]


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"


def end(process):
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def test_workers_find_each_other_in_tf_config(launcher, tmp_path):
    status, out, err = end(launcher("0", "0", arguments=["--epochs", "3"]))
    assert status == 0, err
    (first,), (second,) = starts(tmp_path, 0), starts(tmp_path, 1)
    assert first["config"]["cluster"] == second["config"]["cluster"]
    addresses = first["config"]["cluster"]["worker"]
    assert len({*addresses}) == 2
    assert all(address.startswith("127.0.0.1:") for address in addresses)
    tasks = [each["config"]["task"] for each in (first, second)]
    assert tasks == [{"type": "worker", "index": n} for n in (0, 1)]
    assert first["arguments"][-2:] == second["arguments"][-2:] == ["--epochs", "3"]


def test_the_chief_is_on_the_terminal_and_each_has_a_log(launcher, tmp_path):
    _, out, _ = end(launcher("0", "0"))
    assert "worker 0 says hello" in out and "worker 1 says" not in out
    for number in (0, 1):
        log = (tmp_path / "logs" / f"worker-{number}.log").read_text()
        assert f"worker {number} says hello" in log and "bad luck" in log
        assert f"worker {1 - number}" not in log


@pytest.mark.parametrize(("actions", "dead"), [(("wait", "3"), 1), (("3", "wait"), 0)])
def test_when_one_dies_the_others_are_stopped(launcher, tmp_path, actions, dead):
    status, _, err = end(launcher(*actions))
    assert status == 3
    assert f"Worker {dead} ended with status 3" in err
    assert gone(starts(tmp_path, 1 - dead)[0]["pid"])
    assert ("bad luck" in err) == (dead == 1)  # the chief's end is on the terminal


def test_who_ignores_the_request_is_killed(launcher, tmp_path):
    status, _, err = end(launcher("deaf", "4", options=["--grace", "0.2"]))
    assert status == 4 and "Killing what has not stopped in 0.2 s" in err
    assert gone(starts(tmp_path, 0)[0]["pid"])


def test_a_worker_killed_by_a_signal_gives_the_usual_status(launcher):
    status, _, err = end(launcher("wait", "kill"))
    assert status == 128 + signal.SIGKILL and "status 137" in err


def test_the_group_is_started_again_and_resumes(launcher, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.json").write_text("{}")
    process = launcher("once", "0", options=["--restarts", "2"], arguments=[run])
    status, _, err = end(process)
    assert status == 0 and "Starting again, 1 of 2 times" in err
    for number in (0, 1):
        first, second = starts(tmp_path, number)
        assert "--resume" not in first["arguments"]
        assert second["arguments"] == [*first["arguments"], "--resume"]
        assert first["config"]["cluster"] != second["config"]["cluster"]
    log = (tmp_path / "logs" / "worker-0.log").read_text()
    assert log.count("says hello") == 2


def test_a_run_that_had_not_begun_is_started_afresh(launcher, tmp_path):
    process = launcher("once", "0", options=["--restarts", "1"], arguments=["run"])
    assert end(process)[0] == 0
    assert "--resume" not in starts(tmp_path, 0)[1]["arguments"]


def test_restarts_have_an_end(launcher, tmp_path):
    status, _, _ = end(launcher("5", "wait", options=["--restarts", "1"]))
    assert status == 5 and len(starts(tmp_path, 0)) == 2


def test_workers_that_do_not_meet_in_time_are_stopped(launcher, tmp_path):
    process = launcher("wait", "lost", options=["--start-timeout", "3"])
    status, _, err = end(process)
    assert status == 124 and "within 3 s; missing: 1" in err
    assert all(gone(starts(tmp_path, number)[0]["pid"]) for number in (0, 1))


@pytest.mark.parametrize(
    ("signum", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_a_signal_reaches_every_worker(launcher, tmp_path, signum, status):
    process = launcher("polite", "polite")
    wait_for(process, "waiting")
    process.send_signal(signum)
    found, _, err = end(process)
    assert found == status and f"{signum.name}: stopping the workers" in err
    for number in (0, 1):
        assert (tmp_path / f"left-{number}").read_text() == signum.name


def test_the_second_signal_kills_at_once(launcher, tmp_path):
    process = launcher("deaf", "deaf")
    wait_for(process, "waiting")
    process.send_signal(signal.SIGTERM)
    assert "stopping the workers" in process.stderr.readline()
    process.send_signal(signal.SIGTERM)  # long before the grace of 60 s is over
    status, _, err = end(process)
    assert status == 143 and "Killing the workers" in err
    assert all(gone(starts(tmp_path, number)[0]["pid"]) for number in (0, 1))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="prctl is Linux's")
def test_workers_do_not_outlive_a_launcher_that_is_killed(launcher, tmp_path):
    process = launcher("wait", "wait")
    wait_for(process, "waiting")
    watched = [os.pidfd_open(starts(tmp_path, number)[0]["pid"]) for number in (0, 1)]
    process.kill()
    end(process)
    for descriptor in watched:  # readable when the process has ended
        assert select.select([descriptor], [], [], 60)[0]
        os.close(descriptor)


def wait_for(process, text):
    """Read what the chief says until it has said so."""
    for line in process.stdout:
        if text in line:
            return
    raise AssertionError(f"never said {text!r}: {process.stderr.read()}")


@pytest.mark.parametrize(
    ("visible", "expected"), [(None, ["0,1", "2,3"]), ("4,5,6,7", ["4,5", "6,7"])]
)
def test_each_worker_sees_gpus_of_its_own(
    launcher, tmp_path, visible, expected, monkeypatch
):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    environment = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    options = ["--gpus-per-worker", "2"]
    assert end(launcher("0", "0", options=options, environment=environment))[0] == 0
    assert [starts(tmp_path, number)[0]["gpus"] for number in (0, 1)] == expected


def test_too_few_gpus_start_nothing(launcher, tmp_path):
    environment = {"CUDA_VISIBLE_DEVICES": "0,1,2"}
    process = launcher(
        "0", "0", options=["--gpus-per-worker", "2"], environment=environment
    )
    status, _, err = end(process)
    assert status == 1 and "Expected 4 GPUs" in err
    assert not (tmp_path / "starts-0").exists()


def test_ports_are_free_and_differ():
    assert len({*free_ports(20)}) == 20


def test_gpus_are_left_as_they_are_where_none_are_asked_for():
    assert split_gpus(3, 0) == [None, None, None]


@pytest.mark.parametrize(
    "number",
    [
        *({"count": 0}, {"gpus_per_worker": -1}, {"start_timeout": 0.0}),
        *({"start_timeout": float("nan")}, {"grace": -1.0}, {"restarts": -1}),
    ],
    ids=str,
)
def test_numbers_out_of_their_range_start_nothing(number, tmp_path):
    fitting = {"count": 1, "gpus_per_worker": 0, "start_timeout": 1.0, "grace": 0.0}
    ((name, value),) = number.items()
    with pytest.raises(UserError, match=f"Expected .*got {value}"):
        restarts = number.get("restarts", 0)
        given = {**fitting, **{n: v for n, v in number.items() if n in fitting}}
        group = WorkerGroup(program=["false"], logs=tmp_path / "logs", **given)
        group.run([], restarts)
    assert not (tmp_path / "logs").exists()
