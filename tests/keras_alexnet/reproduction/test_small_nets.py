import pytest

from keras_alexnet.reproduction import EXPERIMENTS
from keras_alexnet.reproduction.run import LAST_ERROR, MINUTES, TEN_VIEWS
from tests.keras_alexnet.reproduction.records import record


@pytest.mark.parametrize(
    ("name", "figure", "published"),
    [
        ("cifar-80sec", LAST_ERROR, "26 %"),
        ("cifar-18pct", LAST_ERROR, "18 %"),
        ("cifar-13pct", TEN_VIEWS, "13 %"),
        ("cifar-11pct", TEN_VIEWS, "11 %"),
        ("lenet5", LAST_ERROR, "0.95 %"),
        ("lenet5-1998", LAST_ERROR, "0.95 %"),
    ],
)
def test_a_net_is_its_preset_beside_its_published_error(name, figure, published):
    ((arm, seed),) = EXPERIMENTS[name].arms({}, 1)
    assert (arm.name, arm.preset, dict(arm.overrides), seed) == (name, name, {}, 0)
    made = {(name, 0): record(name, **{figure: 19.5, MINUTES: 33.0})}
    error, minutes = EXPERIMENTS[name].compare(made)
    assert error.values == (19.5,) and error.published.startswith(published)
    assert minutes.values == (33.0,) and minutes.unit == "min"


@pytest.mark.parametrize(
    ("name", "preset", "figure"),
    [("lrn", "cifar-18pct", LAST_ERROR), ("lrn-11pct", "cifar-11pct", TEN_VIEWS)],
)
def test_normalisation_alone_is_left_out(name, preset, figure):
    jobs = EXPERIMENTS[name].arms({}, 1)
    ours, without = (arm.preset_of(0, {}) for arm, _ in jobs)
    assert ours.lrn is not None and without == ours.replace(lrn=None)
    made = {
        (preset, 0): record(preset, **{figure: 20.0}),
        (f"{preset}-no-lrn", 0): record("x", **{figure: 21.5}),
    }
    *_, difference = EXPERIMENTS[name].compare(made)
    assert (difference.values, difference.unit) == ((1.5,), "points")
