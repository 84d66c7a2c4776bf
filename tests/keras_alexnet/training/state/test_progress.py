import pytest

from keras_alexnet.training.state.progress import RunProgress, best_row, is_finite
from tfrecords.errors import UserError


def row(epoch, error, loss=1.0):
    return {"epoch": epoch, "val_error": error, "val_loss": loss}


def test_an_epoch_without_numbers_is_never_the_best():
    history = [row(1, 0.5), row(2, 0.0, float("nan")), row(3, 0.0, float("inf"))]
    assert best_row(history)["epoch"] == 1
    assert best_row([row(1, float("nan")), row(2, 0.9)])["epoch"] == 2
    with pytest.raises(UserError, match="finite figures"):
        best_row([row(1, 0.0, float("nan"))])


def test_of_equal_epochs_the_last_is_the_best():
    history = [row(1, 0.5), row(2, 0.25), row(3, 0.25), row(4, 0.3)]
    assert best_row(history)["epoch"] == 3


@pytest.mark.parametrize(
    ("losses", "best"), [((0.5, 0.7, 0.6), 1), ((0.7, 0.5, 0.6), 2), ((2, 1, 1), 3)]
)
def test_of_equal_errors_the_smallest_loss_is_the_best(losses, best):
    history = [row(n, 0.25, loss) for n, loss in enumerate(losses, 1)]
    assert best_row([*history, row(4, 0.26, 0.1)])["epoch"] == best


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_one_figure_that_is_no_number_is_enough(value):
    assert is_finite(row(1, 0.5))
    assert not is_finite({**row(1, 0.5), "val_top5_error": value})


def test_an_epoch_ends_with_its_row():
    progress = RunProgress(steps=4, last_epoch=2, step=4, training_logs={"loss": 2.0})
    assert progress.steps_taken == 4
    found = progress.end_epoch(0, {"loss": 1})
    assert found == {"epoch": 1, "loss": 1.0} and progress.history == [found]
    assert (progress.epoch, progress.step, progress.training_logs) == (1, 0, None)
    assert progress.steps_taken == 4 and not progress.finished
    progress.end_epoch(1, {})
    assert progress.finished


def test_plateaus_end_a_run_before_its_last_epoch():
    progress = RunProgress(steps=4, last_epoch=90)
    assert not progress.finished
    progress.plateaus_over = True
    assert progress.finished
