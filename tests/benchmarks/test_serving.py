import pytest

from scripts.benchmarks.server_process import Answer, Load
from scripts.benchmarks.serving import ServingBenchmark, figures_of, measure, servers
from tests import small


def test_the_turn_in_the_middle_is_told():
    def load(seconds):
        answers = {n: Answer(200, b"", n / 1000) for n in range(101)}
        return Load(answers, seconds)

    rate, half, most = figures_of("x", [load(1.0), load(100.0), load(2.0)])
    assert rate.name == "x: throughput" and rate.value == 50.5
    assert rate.beside == "1.01 to 101 in 3 turn(s)"
    assert (half.value, most.value) == pytest.approx((50, 99))


def test_each_runtime_is_asked_with_and_without_batches(tmp_path):
    options = ServingBenchmark(tmp_path, tmp_path, runtimes=("tensorflow", "openvino"))
    names = [name for name, _ in servers(options)]
    assert names == [
        "tensorflow, batches",
        "tensorflow, single pictures",
        "openvino, batches",
        "openvino, single pictures",
        "plain FastAPI handler",
    ]


@pytest.mark.slow
def test_three_servers_are_measured(run, tmp_path):
    tree = small.write_tree(tmp_path / "tree", per_class=2)
    record = measure(ServingBenchmark(run, tree, clients=(1, 2), requests=6, turns=1))
    assert len(record.figures) == 3 * 2 * 3
    assert all(figure.value > 0 for figure in record.figures)
