import pytest

from keras_alexnet.presets import find_preset
from scripts.benchmarks.projection import (
    Link,
    Machines,
    ProjectionOptions,
    StepTime,
    Workload,
    data_parallel_step,
    hybrid_step,
    input_of_8_gpus,
    measure,
    speed_up,
)

RELEASED = find_preset("released")
WORK = Workload(RELEASED, 128, 1000.0)
INSIDE, BETWEEN = Link(50e9, 1e-5), Link(10e9, 1e-4)
GRADIENTS = 243_860_896  # bytes


def place(machines, gpus):
    return Machines(machines, gpus, INSIDE, BETWEEN)


def test_shares_of_the_arithmetic_by_hand():
    # Convolutions 665,784,864 multiply-accumulates, conv1 105,415,200, all 724,406,816.
    total = 3 * 724_406_816 - 105_415_200
    assert WORK.compute == pytest.approx(0.128)
    backward = 2 * 665_784_864 - 105_415_200
    assert WORK.conv_backward == pytest.approx(0.128 * backward / total)
    assert WORK.dense == pytest.approx(0.128 * 3 * 58_621_952 / total)
    forward = WORK.compute - WORK.conv_backward - WORK.dense
    assert forward == pytest.approx(0.128 * 665_784_864 / total)


def test_one_gpu_sends_nothing():
    for time in (
        data_parallel_step(WORK, place(1, 1)),
        *(hybrid_step(WORK, place(1, 1), scheme) for scheme in "abc"),
    ):
        assert time == StepTime(0.128, 0.0, 0.0)
        assert speed_up(time, 1) == (1.0, 1.0)


def test_data_parallel_by_hand():
    one_machine = data_parallel_step(WORK, place(1, 8))
    ring = 2 * 7 / 8 * GRADIENTS / 50e9 + 14 * 1e-5
    assert one_machine.communication == pytest.approx(ring)
    both = data_parallel_step(WORK, place(4, 8))
    outer = 2 * 3 / 4 * GRADIENTS / 10e9 + 6 * 1e-4
    assert both.communication == pytest.approx(ring + outer)
    # All of the dense gradients, and none of the convolutions', can be hidden here.
    dense = 4 * 58_631_144 * (2 * 7 / 8 / 50e9 + 2 * 3 / 4 / 10e9) + 14e-5 + 6e-4
    assert both.hidden == pytest.approx(dense)


def test_no_more_is_hidden_than_there_is_to_hide_behind():
    slow = Machines(8, 1, INSIDE, Link(1e9, 0.0))
    time = data_parallel_step(WORK, slow)
    assert time.hidden == pytest.approx(WORK.conv_backward)
    assert time.fastest == pytest.approx(time.slowest - WORK.conv_backward)


@pytest.mark.parametrize("scheme", ["a", "b", "c"])
def test_hybrid_by_hand(scheme):
    # 8 GPUs in one machine, 128 images each; bytes that one of them sends.
    rounds = {"a": 1, "b": 8, "c": 8}[scheme]
    inputs = 33_030_144 / (8 if scheme == "c" else 1) / 50e9 + 1e-5
    conv = 16_338_560 / 50e9 + 14e-5
    later = (4 * 14_680_064 + 57_344) / 50e9 + 5 * rounds * 1e-5
    time = hybrid_step(WORK, place(1, 8), scheme)
    assert time.communication == pytest.approx(conv + later + 2 * rounds * inputs)
    # The dense layers cover each round but the first in and the last out.
    assert 2 * inputs < WORK.dense / rounds
    assert time.hidden == pytest.approx(2 * (rounds - 1) * inputs, abs=1e-12)


def test_rounds_that_are_longer_than_the_dense_layers_wait():
    slow = Machines(1, 8, Link(1e9, 0.0), BETWEEN)
    time = hybrid_step(WORK, slow, "b")
    assert 2 * 33_030_144 / 1e9 > WORK.dense / 8
    assert time.hidden == pytest.approx(7 / 8 * WORK.dense)


def test_hybrid_of_several_machines_is_data_parallel_between_them():
    inner = hybrid_step(WORK, place(1, 8), "c")
    outer = data_parallel_step(WORK, place(4, 1))
    both = hybrid_step(WORK, place(4, 8), "c")
    assert both.communication == pytest.approx(
        inner.communication + outer.communication
    )
    assert both.hidden == pytest.approx(inner.hidden + outer.hidden)


def test_machines_of_one_gpu_are_the_workers_of_the_hybrid():
    same_link = Machines(1, 8, BETWEEN, BETWEEN)
    assert hybrid_step(WORK, place(8, 1)) == hybrid_step(WORK, same_link)


def test_speed_up_by_hand():
    time = StepTime(compute=0.3, communication=0.3, hidden=0.2)
    assert speed_up(time, 8) == pytest.approx((4.0, 6.0))


def test_input_by_hand():
    options = ProjectionOptions(gpu_rate=2500, core_rate=500, picture_bytes=25_000)
    pictures, cores, disk, copied = input_of_8_gpus(options)
    assert (pictures.value, cores.value) == (20_000, 40)
    assert disk.value == 500
    assert copied.value == 20_000 * 150_528 / 1e9


def test_what_is_projected_and_assumed():
    found = measure(ProjectionOptions(gpu_rate=1000))
    assert "nothing was measured" in found.notes[0]
    assert found.options["gpu_rate"] == 1000
    assert found.value("speed-up, 1 x 1 GPUs, 128 images each, data parallel") == 1.0
    for way in ("data parallel", "hybrid a", "hybrid b", "hybrid c"):
        assert found.value(f"speed-up, 8 x 8 GPUs, 128 images each, {way}") > 1
    assert found.value("speed-up, 8 x 8 GPUs, 2 images each, data parallel") > 1
    sent = "sent by one of {} devices, 128 images each, {}"
    # Half of what 256 images take.
    assert found.value(sent.format(2, "towers")) == 60.030976
    assert found.value(sent.format(8, "data parallel")) == 426.756568
    assert found.value(sent.format(8, "hybrid")) == 141.176448
