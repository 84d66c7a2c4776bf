import pytest

from scripts.benchmarks import profile


def test_operations_are_added_up_by_kind():
    events = [
        ("model/conv1/Conv2D:_MklNativeConv2D", 0.5),
        ("model/conv2/Conv2D:_MklNativeConv2D", 0.25),
        ("norm/mul:Mul", 1.0),
        (profile.XLA_CALL, 0.125),
        ("EagerLocalExecute: __inference_step", 9.0),
        ("ThreadpoolListener::Record", 9.0),
        ("no kind", 9.0),
    ]
    kinds = profile.operation_kinds(events)
    assert list(kinds.items()) == [
        ("Mul", [1.0]),
        ("_MklNativeConv2D", [0.5, 0.25]),
        ("XLA", [0.125]),
    ]


@pytest.mark.slow
def test_a_small_step_is_profiled(run_script):
    step, *kinds = run_script(profile, "--batch-size", 2).figures
    beside = {kind.name: kind.beside for kind in kinds}
    # A kernel and a bias of 8 layers.
    assert beside["ResourceApplyKerasMomentum"].startswith("16 of them")
    assert 0 < sum(kind.value for kind in kinds) <= step.value
