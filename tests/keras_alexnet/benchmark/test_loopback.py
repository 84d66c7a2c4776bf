import sys

import pytest

from keras_alexnet.benchmark.loopback import loopback_bytes, started
from tfrecords.errors import DatasetError

COUNTERS = """\
Inter-|   Receive                            |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs
  eth0: 11 1 0 0 0 0 0 0 12 1 0 0 0 0 0 0
    lo: 123456 7 0 0 0 0 0 0 654321 7 0 0 0 0 0 0
"""


def test_bytes_that_lo_sent_are_read():
    assert loopback_bytes(COUNTERS) == 654_321
    with pytest.raises(DatasetError, match="interface lo"):
        loopback_bytes(COUNTERS.replace("lo:", "wlan:"))


def stand_in(body):
    """The command of a process that runs `body` and no TensorFlow."""
    return [sys.executable, "-c", f"import json, os, sys\n{body}"]


OBEDIENT = """
print(json.dumps({"ready": True}), flush=True)
place = json.loads(os.environ.get("TF_CONFIG", "{}")).get("task", {}).get("index", -1)
for line in sys.stdin:
    print(json.dumps({"steps": int(line), "place": place}), flush=True)
"""


def test_every_process_gets_the_order_and_its_place(tmp_path):
    with started(stand_in(OBEDIENT), 3, tmp_path, timeout=60) as group:
        assert group.train(7) == [{"steps": 7, "place": place} for place in range(3)]
        assert group.train(1)[2] == {"steps": 1, "place": 2}
    assert all(process.returncode is not None for process in group.processes)


def test_one_process_needs_no_cluster(tmp_path):
    with started(stand_in(OBEDIENT), 1, tmp_path, timeout=60) as group:
        assert group.train(2) == [{"steps": 2, "place": -1}]


def test_a_process_that_ends_early_is_an_error(tmp_path):
    failing = stand_in("sys.exit('no memory')")
    with pytest.raises(DatasetError, match="got 0: one ended early"):
        with started(failing, 2, tmp_path, timeout=60):
            pass
    assert "no memory" in (tmp_path / "1.log").read_text()


def test_a_process_that_is_never_ready_is_stopped(tmp_path):
    with pytest.raises(DatasetError, match="none was ready in time"):
        with started(stand_in("sys.stdin.read()"), 2, tmp_path, timeout=0.1):
            pass
