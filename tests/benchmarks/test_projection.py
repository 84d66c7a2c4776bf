import pytest

from scripts.benchmarks.projection import (
    Machines,
    ProjectionOptions,
    StepTime,
    data_parallel_step,
    hybrid_step,
    measure,
    shares_of_step,
)

LINKS = {"inside": 50.0, "inside_latency": 10.0, "between": 10.0}
ASSUMED = ProjectionOptions(gpu_rate=1000.0, between_latency=100.0, **LINKS)
GRADIENTS, DENSE_GRADIENTS = 243_860_896, 4 * 58_631_144  # bytes


def test_shares_of_the_arithmetic_by_hand():
    # Convolutions 665,784,864 multiply-accumulates, conv1 105,415,200, all 724,406,816.
    total = 3 * 724_406_816 - 105_415_200
    backward, dense = 2 * 665_784_864 - 105_415_200, 3 * 58_621_952
    assert shares_of_step() == pytest.approx((backward / total, dense / total))


def test_one_gpu_sends_nothing():
    alone = Machines(1, 1, 128)
    times = [hybrid_step(ASSUMED, alone, scheme) for scheme in "abc"]
    for time in (data_parallel_step(ASSUMED, alone), *times):
        assert time == StepTime(0.128, 0.0, 0.0)
        assert time.speed_up(1) == (1.0, 1.0)


def test_data_parallel_by_hand():
    share = 2 * 7 / 8 / 50e9 + 2 * 3 / 4 / 10e9  # inside, then between
    time = data_parallel_step(ASSUMED, Machines(4, 8, 128))
    assert time.transfers == pytest.approx(GRADIENTS * share + 14e-5 + 6e-4)
    # All of the dense gradients, and none of the convolutions', can be hidden here.
    assert time.hidden == pytest.approx(DENSE_GRADIENTS * share + 14e-5 + 6e-4)


@pytest.mark.parametrize("scheme", ["a", "b", "c"])
def test_hybrid_by_hand(scheme):
    # 8 GPUs in one machine, 128 images each; bytes that one of them sends.
    rounds = {"a": 1, "b": 8, "c": 8}[scheme]
    inputs = 33_030_144 / (8 if scheme == "c" else 1) / 50e9 + 1e-5
    conv = 16_338_560 / 50e9 + 14e-5
    later = (4 * 14_680_064 + 57_344) / 50e9 + 5 * rounds * 1e-5
    time = hybrid_step(ASSUMED, Machines(1, 8, 128), scheme)
    assert time.transfers == pytest.approx(conv + later + 2 * rounds * inputs)
    # The dense layers cover each round but the first in and the last out.
    assert 2 * inputs < 0.128 * shares_of_step()[1] / rounds
    assert time.hidden == pytest.approx(2 * (rounds - 1) * inputs, abs=1e-12)
    # Between machines it is data parallel.
    outer = data_parallel_step(ASSUMED, Machines(4, 1, 128))
    both = hybrid_step(ASSUMED, Machines(4, 8, 128), scheme)
    assert both.transfers == pytest.approx(time.transfers + outer.transfers)
    assert both.hidden == pytest.approx(time.hidden + outer.hidden)


def test_no_more_is_hidden_than_there_is_to_hide_behind():
    slow = ProjectionOptions(gpu_rate=1000.0, between=1.0, between_latency=0.0)
    backward, dense = (0.128 * share for share in shares_of_step())
    time = data_parallel_step(slow, Machines(8, 1, 128))
    assert time.hidden == pytest.approx(backward)
    assert time.speed_up(8)[1] == pytest.approx(
        8 * 0.128 / (0.128 + time.transfers - backward)
    )
    # Machines of one GPU are the workers; a round takes longer than the dense layers.
    assert 2 * 33_030_144 / 1e9 > dense / 8
    assert hybrid_step(slow, Machines(8, 1, 128), "b").hidden == pytest.approx(
        7 / 8 * dense
    )


def test_what_is_projected():
    found = measure(ProjectionOptions(gpu_rate=2500))
    names = [figure.name for figure in found.figures]
    assert len(names) == len(set(names)) == 45
    assert found.value("speed-up, 1 x 1 GPUs, 128 images each, data parallel") == 1.0
    # Half of what 256 images take; the others as in docs/scaling.md.
    for way, megabytes in {
        "2 devices, 128 images each, towers": 60.030976,
        "8 devices, 128 images each, data parallel": 426.756568,
        "8 devices, 128 images each, hybrid": 141.176448,
    }.items():
        assert found.value(f"sent by one of {way}") == megabytes
    assert found.value("input of 8 GPUs: from disk") == 520
