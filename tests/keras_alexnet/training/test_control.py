import dataclasses
import json
from pathlib import Path

import pytest

from keras_alexnet.training import Control
from tfrecords import DatasetError


def test_places_are_paths_however_they_are_given():
    control = Control("data", "run")
    assert control == Control(Path("data"), Path("run"))
    assert isinstance(control.run, Path)


def test_a_run_folder_keeps_what_it_may_go_on_with():
    control = Control("d", "r", keep=3, save_minutes=1.5, memory_limit=4.0)
    kept = {"data": "d", "keep": 3, "save_every": None, "save_minutes": 1.5}
    assert json.loads(json.dumps(control.kept)) == kept
    assert dataclasses.replace(Control("x", "r"), **kept).kept == kept


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"keep": 0}, "keep >= 1, got 0"),
        ({"save_every": 0}, "save_every >= 1, got 0"),
        ({"save_minutes": 0}, "save_minutes > 0, got 0"),
        ({"memory_limit": 0}, "memory_limit >= 0.1, got 0"),
    ],
)
def test_controls_that_make_no_sense_are_refused(fields, message):
    with pytest.raises(DatasetError, match=message):
        Control("data", "run", **fields)


def test_the_devices_are_those_of_plan_devices():
    assert Control("data", "run").plan().replicas == 1
    with pytest.raises(ValueError, match="no --devices with --strategy none, got a,b"):
        Control("data", "run", devices="a,b").plan()
    with pytest.raises(ValueError, match="a GPU for --memory-limit 4, .*sees none"):
        Control("data", "run", memory_limit=4).plan()
