import pytest

from keras_alexnet.benchmark.projection import (
    Cluster,
    Link,
    StepTime,
    Workload,
    data_parallel_step,
    hybrid_step,
    input_need,
    speed_up,
)
from keras_alexnet.presets import find_preset

RELEASED = find_preset("released")
WORK = Workload(RELEASED, 128, 1000.0)
INSIDE, BETWEEN = Link(50e9, 1e-5), Link(10e9, 1e-4)
GRADIENTS = 243_860_896  # bytes


def cluster(machines, gpus):
    return Cluster(machines, gpus, INSIDE, BETWEEN)


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
        data_parallel_step(WORK, cluster(1, 1)),
        *(hybrid_step(WORK, cluster(1, 1), scheme) for scheme in "abc"),
    ):
        assert time == StepTime(0.128, 0.0, 0.0)
        assert speed_up(time, 1) == (1.0, 1.0)


def test_data_parallel_by_hand():
    one_machine = data_parallel_step(WORK, cluster(1, 8))
    ring = 2 * 7 / 8 * GRADIENTS / 50e9 + 14 * 1e-5
    assert one_machine.communication == pytest.approx(ring)
    both = data_parallel_step(WORK, cluster(4, 8))
    outer = 2 * 3 / 4 * GRADIENTS / 10e9 + 6 * 1e-4
    assert both.communication == pytest.approx(ring + outer)
    # All of the dense gradients, and none of the convolutions', can be hidden here.
    dense = 4 * 58_631_144 * (2 * 7 / 8 / 50e9 + 2 * 3 / 4 / 10e9) + 14e-5 + 6e-4
    assert both.hidden == pytest.approx(dense)


def test_no_more_is_hidden_than_there_is_to_hide_behind():
    slow = Cluster(8, 1, INSIDE, Link(1e9, 0.0))
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
    time = hybrid_step(WORK, cluster(1, 8), scheme)
    assert time.communication == pytest.approx(conv + later + 2 * rounds * inputs)
    # The dense layers cover each round but the first in and the last out.
    assert 2 * inputs < WORK.dense / rounds
    assert time.hidden == pytest.approx(2 * (rounds - 1) * inputs, abs=1e-12)


def test_rounds_that_are_longer_than_the_dense_layers_wait():
    slow = Cluster(1, 8, Link(1e9, 0.0), BETWEEN)
    time = hybrid_step(WORK, slow, "b")
    assert 2 * 33_030_144 / 1e9 > WORK.dense / 8
    assert time.hidden == pytest.approx(7 / 8 * WORK.dense)


def test_hybrid_of_several_machines_is_data_parallel_between_them():
    inner = hybrid_step(WORK, cluster(1, 8), "c")
    outer = data_parallel_step(WORK, cluster(4, 1))
    both = hybrid_step(WORK, cluster(4, 8), "c")
    assert both.communication == pytest.approx(
        inner.communication + outer.communication
    )
    assert both.hidden == pytest.approx(inner.hidden + outer.hidden)


def test_machines_of_one_gpu_are_the_workers_of_the_hybrid():
    same_link = Cluster(1, 8, BETWEEN, BETWEEN)
    assert hybrid_step(WORK, cluster(8, 1)) == hybrid_step(WORK, same_link)


def test_speed_up_by_hand():
    time = StepTime(compute=0.3, communication=0.3, hidden=0.2)
    assert speed_up(time, 8) == pytest.approx((4.0, 6.0))


def test_input_by_hand():
    need = input_need(20_000, 500, 25_000, 224)
    assert need.cores == 40
    assert need.disk == 500e6
    assert need.host_to_gpu == 20_000 * 150_528
