import platform

import numpy as np

from keras_alexnet import machine
from keras_alexnet.version import VERSION


def test_facts_are_those_of_this_machine():
    facts = machine.machine_facts()
    assert facts["processor"]
    assert facts["cores"] >= 1
    assert facts["memory_gb"] > 0.1
    assert facts["system"] == platform.platform()


def test_versions_are_those_that_are_installed(monkeypatch):
    found = machine.package_versions()
    assert found["keras_alexnet"] == VERSION
    assert found["numpy"] == np.__version__
    monkeypatch.setattr(machine, "_EXTRAS", ("no-such-package",))
    assert machine.extra_versions() == {"no-such-package": None}


def test_no_variable_is_told_but_those_named(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", "{}")
    monkeypatch.setenv("TF_SECRET", "x")
    told = machine.relevant_variables()
    assert told["TF_CONFIG"] == "{}" and "TF_SECRET" not in told


def test_the_processor_is_a_device():
    assert {"type": "CPU", "name": "CPU:0"} in machine.visible_devices()
