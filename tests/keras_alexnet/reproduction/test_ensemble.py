from keras_alexnet.evaluation.accuracy import evaluate
from keras_alexnet.reproduction import ensemble
from keras_alexnet.reproduction.ensemble import ENSEMBLE
from keras_alexnet.reproduction.run import TEN_VIEWS
from keras_alexnet.trained.opening import load
from tests.keras_alexnet.reproduction.records import record


def test_the_first_ones_together_are_what_evaluate_says_of_them(
    dataset, run, monkeypatch
):
    monkeypatch.setattr(ensemble, "SIZES", (1, 2, 5))
    found = ensemble.together([run, run], dataset)
    expected = evaluate([load(run)], dataset, views=10)
    assert [figure.name for figure in found] == [
        "error of 1 together, ten views",
        "error of 2 together, ten views",
    ]
    for figure in found:
        assert figure.value == 100 * expected.top1_error
        assert f"{expected.images} pictures" in figure.beside


def test_lines_are_those_alone_then_together():
    made = {
        ("released", seed): record("x", seed, **{TEN_VIEWS: 20.0}) for seed in (0, 1)
    }
    joint = {f"error of {n} together, ten views": v for n, v in ((1, 20.0), (5, 16.0))}
    made["joint", 0] = record("joint", **joint)
    lines = ENSEMBLE.compare(made)
    assert [line.values for line in lines] == [(20.0, 20.0), (20.0,), (), (16.0,)]
    assert ENSEMBLE.seeds == 5 and ENSEMBLE.joint is not None
