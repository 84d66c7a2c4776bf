import pytest

from keras_alexnet.benchmark.traffic import data_parallel_bytes
from keras_alexnet.presets import find_preset
from scripts.benchmarks import traffic
from scripts.benchmarks.traffic import Trained

PRESET = find_preset("released")


def test_a_batch_that_does_not_divide_is_an_error():
    with pytest.raises(ValueError, match="multiple of 3"):
        traffic.jobs_of(128, (3,))


def test_processor_time_is_beside_as_many_separate_replicas():
    measured = [
        Trained("multiworker", 2, 8, (9e6, 10e6, 11e6), processor=5.0, wall=3.0),
        Trained("none", 1, 8, (0.0,), processor=2.0, wall=2.0),
    ]
    sent, processor, *alone = traffic.figures_of(measured, PRESET)
    expected = 2 * 243.860896
    assert sent.value == 10.0
    formula = f"formula {expected:.2f} MB, ratio {10 / expected:.4f}"
    assert sent.beside == f"9.00 to 11.00; {formula}"
    assert processor.beside == "+1.00 s over separate replicas, 3.00 s by the clock"
    assert "formula" not in alone[0].beside


@pytest.mark.slow
def test_two_processes_send_what_the_formula_says(run_script):
    sizes = ["--units=256", "--input-size=67", "--processes=2", "--batch-size=4"]
    found = run_script(traffic, *sizes)
    if "own" not in found.notes[0]:
        pytest.skip("no network namespace: other programs use the loopback too")
    small = PRESET.replace(units=256, input_size=67)
    expected = sum(data_parallel_bytes(small, 2).values())
    sent = found.value("multiworker 2 x 2 images: sent")
    assert 1 < sent * 1e6 / expected < 1.02
    for alone in ("none 1 x 4", "mirrored 2 x 2", "towers 1 x 4"):
        assert found.value(f"{alone} images: sent") * 1e6 < 1000
