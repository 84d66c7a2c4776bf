import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from keras_alexnet.training.update.optimizer import CoupledSGD
from keras_alexnet.training.update.plateau import Plateau, learning_rate
from tests.reference import rounding_bound

NEAR = rounding_bound("float32")  # of a learning rate, which is float32


def attached(optimizer=None, **options):
    """A plateau on something that has what it needs of a model."""
    plateau = Plateau(**options)
    optimizer = optimizer or CoupledSGD(0.01)
    plateau.set_model(SimpleNamespace(optimizer=optimizer, stop_training=False))
    return plateau


def rate(plateau):
    return float(plateau.model.optimizer.learning_rate)


def feed(plateau, errors, first_epoch=0):
    """Return the rate after each epoch, until the plateau stops the training."""
    rates = []
    for epoch, error in enumerate(errors, start=first_epoch):
        plateau.on_epoch_end(epoch, {"val_error": error})
        rates.append(rate(plateau))
        if plateau.model.stop_training:
            break
    return rates


def test_three_drops_by_ten_and_then_the_end():
    plateau = attached(patience=2)
    errors = [0.9, 0.8, 0.8, 0.8, 0.7, 0.7, 0.75, 0.6, 0.6, 0.6, 0.6, 0.6, 0.1]
    rates = feed(plateau, errors)
    powers = [2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5]
    np.testing.assert_allclose(rates, 0.1 ** np.array(powers), rtol=NEAR)
    assert plateau.finished and plateau.model.stop_training
    assert plateau.best == 0.6


def test_only_a_smaller_error_is_better():
    plateau = attached(patience=3)
    feed(plateau, [0.5, 0.5, 0.6])
    assert (plateau.best, plateau.wait, plateau.done) == (0.5, 2, 0)
    feed(plateau, [0.49])
    assert (plateau.best, plateau.wait, plateau.done) == (0.49, 0, 0)


def test_an_epoch_counts_as_better_by_standard_errors_of_the_best():
    # sqrt(0.2 * 0.8 / 400) = 0.02: half of it is 0.01, and twice 0.04.
    half = attached(patience=9, min_delta=0.5, pictures=400)
    feed(half, [0.2, 0.191, 0.189])
    assert (half.best, half.wait) == (0.189, 0)
    twice = attached(patience=9, min_delta=2, pictures=400)
    feed(twice, [0.2, 0.189, 0.161])
    assert (twice.best, twice.wait) == (0.2, 2)
    feed(twice, [0.159])
    assert (twice.best, twice.wait) == (0.159, 0)
    more = attached(patience=9, min_delta=2, pictures=40_000)
    feed(more, [0.2, 0.189])
    assert more.best == 0.189


def test_the_first_epoch_and_a_perfect_one_count():
    plateau = attached(patience=9, min_delta=1, pictures=100)
    feed(plateau, [1.0, 0.0, 0.0])
    assert (plateau.best, plateau.wait) == (0.0, 1)


@pytest.mark.parametrize("min_delta", [-1, float("nan"), float("inf"), 1])
def test_a_min_delta_needs_a_range_and_the_number_of_pictures(min_delta):
    with pytest.raises(ValueError, match="min_delta"):
        attached(min_delta=min_delta)


def test_an_error_that_is_not_a_number_is_not_better():
    plateau = attached(patience=2)
    rates = feed(plateau, [float("nan"), float("nan"), 0.5])
    np.testing.assert_allclose(rates, [0.01, 0.001, 0.001], rtol=NEAR)
    assert plateau.best == 0.5


@pytest.mark.parametrize("reductions", [0, 1])
def test_factor_patience_and_reductions_are_those_given(reductions):
    plateau = attached(factor=0.5, patience=1, reductions=reductions)
    rates = feed(plateau, [0.5] * 9)
    expected = [0.01, 0.005, 0.005] if reductions else [0.01, 0.01]
    np.testing.assert_allclose(rates, expected, rtol=NEAR)


@pytest.mark.parametrize("stop", range(1, 11))
def test_a_run_resumed_anywhere_goes_on_as_if_uninterrupted(stop):
    errors = [0.9, 0.8, 0.8, 0.8, 0.7, 0.7, 0.75, 0.6, 0.6, 0.6, 0.6, 0.6]
    whole = attached(patience=2)
    rates = feed(whole, errors)
    first = attached(patience=2)
    before = feed(first, errors[:stop])
    state = json.loads(json.dumps(first.state))
    second = attached(patience=2)
    second.state = state
    after = feed(second, errors[stop:], stop)
    np.testing.assert_array_equal(before + after, rates)
    assert second.state == whole.state
    assert second.model.stop_training


def test_a_fresh_state_survives_json():
    state = attached().state
    again = attached()
    again.state = json.loads(json.dumps(state))
    assert again.state == state
    assert again.best == float("inf")


@pytest.mark.parametrize("lost", [float("nan"), float("inf"), -float("inf")])
def test_an_error_that_is_not_finite_is_no_record(lost):
    plateau = attached(patience=2)
    feed(plateau, [lost])
    assert plateau.best == float("inf") and plateau.wait == 1
    feed(plateau, [0.5, lost, 0.4, lost, lost])
    assert plateau.best == 0.4 and plateau.done == 1
    earlier = {**plateau.state, "best": lost}  # as earlier versions may have saved
    plateau.state = earlier
    assert plateau.best == float("inf")


def test_the_state_is_json_for_any_reader():
    json.dumps(attached().state, allow_nan=False)


def test_the_state_names_everything():
    plateau = attached(patience=1)
    feed(plateau, [0.5, 0.6])
    assert plateau.state == {
        "best": 0.5,
        "wait": 0,
        "done": 1,
        "finished": False,
        "learning_rate": pytest.approx(0.001),
    }


def test_it_lowers_the_rate_behind_loss_scaling():
    inner = CoupledSGD(0.01)
    plateau = attached(keras.optimizers.LossScaleOptimizer(inner), patience=1)
    feed(plateau, [0.5, 0.5])
    assert float(inner.learning_rate) == pytest.approx(0.001)
    assert plateau.state["learning_rate"] == pytest.approx(0.001)


@pytest.mark.parametrize("logs", [None, {}, {"loss": 1.0, "error": 0.5}])
def test_a_missing_error_is_reported_with_what_there_is(logs):
    with pytest.raises(ValueError, match="'val_error'.*validation_data") as error:
        attached().on_epoch_end(0, logs)
    for name in logs or {}:
        assert name in str(error.value)


def test_another_error_can_be_watched():
    plateau = attached(monitor="val_top5_error", patience=1)
    plateau.on_epoch_end(0, {"val_error": 0.9, "val_top5_error": 0.4})
    assert plateau.best == 0.4


def test_inside_fit_it_drops_and_stops_and_a_second_fit_resets_nothing():
    inputs = keras.Input((2,))
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    model.compile(CoupledSGD(0.01), "mean_squared_error", jit_compile=False)
    x = np.zeros((4, 2), np.float32)
    # The bias starts at the truth: the loss is 0 from the first epoch on.
    plateau = Plateau("val_loss", patience=1, reductions=1)
    data = {"x": x, "y": np.zeros(4), "validation_data": (x, np.zeros(4))}
    model.fit(**data, epochs=2, callbacks=[plateau], verbose=0)
    state = plateau.state
    assert (state["done"], state["wait"], state["finished"]) == (1, 0, False)
    plateau.on_train_begin()
    assert plateau.state == state
    history = model.fit(**data, epochs=9, callbacks=[plateau], verbose=0)
    assert len(history.epoch) == 1
    assert plateau.finished
    assert plateau.state["learning_rate"] == pytest.approx(0.001)


@pytest.mark.parametrize(
    "bad", [{"factor": 1.0}, {"factor": 0}, {"patience": 0}, {"reductions": -1}]
)
def test_bad_arguments_are_refused_by_name(bad):
    (name, value), *_ = bad.items()
    with pytest.raises(ValueError, match=f"{name}={value}"):
        Plateau(**bad)


@pytest.mark.parametrize(
    ("schedule", "first"),
    [
        (keras.optimizers.schedules.ExponentialDecay(0.5, 1, 0.5), 0.5),
        (lambda: 0.125, 0.125),
    ],
)
def test_the_rate_of_a_schedule_is_read_and_refused(schedule, first):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(CoupledSGD(schedule), "mean_squared_error", jit_compile=False)
    with pytest.raises(ValueError, match="Plateau sets the learning rate"):
        model.fit(np.eye(4), np.ones((4, 1)), verbose=0, callbacks=[Plateau("loss")])
    assert learning_rate(model) == first
