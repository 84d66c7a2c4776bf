import pytest

from scripts.benchmarks import aims, subjects
from tests.benchmarks.test_system import result, subject


def reached(measured):
    found = [aim for aim in aims.AIMS if aim.concerns(measured)]
    return {aim.text: aim.value(measured) for aim in found}


def test_aims_are_judged_by_the_ratios_of_the_run():
    found = reached(
        subject(
            "step",
            result(subjects.OURS, "ours", peak_bytes=90),
            result(subjects.STOCK, ratio=5.0, peak_bytes=100),
            result(subjects.EAGER, ratio=2.0),
            result(subjects.MATRIX, "limit", ratio=0.25, amount=1e9),
            demands={subjects.MATRIX: 3e9},
        )
    )
    assert found["ours: ≥ 4.00 × the speed of stock Keras"] == 5.0
    assert found["ours: ≥ 2.20 × the speed of PyTorch"] == 2.0
    assert found["ours: ≥ 1.50 × the speed of torch.compile"] is None
    assert found["ours: ≥ 80% of matrix product"] == pytest.approx(0.75)
    assert found["ours: peak memory ≤ 1.00 × stock Keras's"] == 0.9


def test_whether_an_aim_is_met():
    speed = aims.Aim("step", "float32", "speed", subjects.STOCK, 4.0)
    memory = aims.Aim("step", "float32", "memory", subjects.STOCK, 1.0)
    assert speed.met(5.0) and not speed.met(3.9)
    assert memory.met(0.9) and not memory.met(1.1)


def test_latency_is_of_the_fastest_of_ours_and_of_the_peers():
    measured = subject(
        "inference",
        result(subjects.OURS, "ours"),
        result(subjects.OURS_OPENVINO, "ours", ratio=0.5),
        result(subjects.OPENVINO, ratio=0.45),
        result(subjects.ONNX, ratio=2.0),
        batch=1,
    )
    ((aim, value),) = [
        (a, a.value(measured)) for a in aims.AIMS if a.concerns(measured)
    ]
    assert value == pytest.approx(0.9)
    assert not aim.met(value)  # 1.1 times as long is 0.909


def test_fit_is_judged_by_what_step_and_pipeline_allow():
    measured = subject(
        "fit",
        result(subjects.OURS, "ours"),
        result(subjects.STEP_ALONE, "yardstick", ratio=0.9),
        result(subjects.PIPELINE_ALONE, "yardstick", ratio=0.1, facts={"cores": 2}),
    )
    assert aims.allowed_share(measured) == pytest.approx(0.95)


def test_every_aim_names_systems_that_there_are():
    for aim in aims.AIMS:
        names = {
            entry.name
            for entry in subjects.SYSTEMS[aim.subject]
            if subjects.ONLY_IN.get(entry.name, aim.precision) == aim.precision
        }
        known = names | {aims.ANY_PEER, "step and pipeline"}
        assert {aim.other, aim.ours or subjects.OURS} <= known, aim.text
