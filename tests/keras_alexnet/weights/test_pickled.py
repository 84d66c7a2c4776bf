import io
import os
import pickle
import tracemalloc

import pytest

from keras_alexnet.weights.pickled import read_pickle
from tests.keras_alexnet.weights import pickles
from tfrecords.errors import UserError


def read(data, names=None, persistent=None):
    return read_pickle(io.BytesIO(data), len(data), names or {}, persistent, "x.pkl")


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_plain_data_is_read(protocol):
    data = {"a": [1, -2.5, None, True, ("x", "y", 2**40)], "b": {}, 3: ()}
    if protocol > 2:  # which has none
        data["c"] = b"x"
    assert read(pickle.dumps(data, protocol)) == data


def test_what_stands_after_it_is_left(tmp_path):
    file = io.BytesIO(pickle.dumps(1, 2) + b"more")
    assert read_pickle(file, 100, {}) == 1 and file.read() == b"more"


# Data, though not of weights.
HARMLESS = {"nested"}
CASES = [*pickles.hostile("x")]


@pytest.mark.parametrize("case", CASES)
def test_nothing_is_run_and_little_is_made(tmp_path, case):
    trace = tmp_path / "trace"
    data = pickles.hostile(trace)[case]
    tracemalloc.start()
    try:
        if case in HARMLESS:
            assert type(read(data)) is list
        else:
            with pytest.raises(UserError, match="Nothing in it was run") as error:
                read(data, {"numpy.ndarray": object()})
            assert "\n" not in str(error.value)
        assert tracemalloc.get_traced_memory()[1] < 64e6
    finally:
        tracemalloc.stop()
    assert not trace.exists()


def test_the_cases_would_do_harm(tmp_path):
    """Python's own reader makes the file: the test above could fail."""
    trace = tmp_path / "trace"
    pickle.loads(pickles.hostile(trace)["os.system"])
    assert os.path.exists(trace)


def test_stand_ins_are_called_and_others_get_no_state():
    class Token:
        def take_state(self, state):
            self.state = state

    data = b"\x80\x02ca\nb\n)RK\x07b."
    assert read(data, {"a.b": Token}).state == 7
    with pytest.raises(UserError, match="gives a list a state"):
        read(data, {"a.b": list})
    assert read(b"\x80\x02K\x03Q.", persistent=lambda key: key + 1) == 4
