import numpy as np
import pytest

from keras_alexnet.report.chart import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Axes,
    round_step,
)


def test_the_ends_of_the_axes_are_the_corners_of_the_drawing():
    axes = Axes((1, 5), (0, 50))
    assert (axes.x(1), axes.x(5)) == (LEFT, WIDTH - RIGHT)
    assert (axes.y(0), axes.y(50)) == (HEIGHT - BOTTOM, TOP)
    assert axes.x(3) == (LEFT + WIDTH - RIGHT) / 2
    assert axes.points([1, 5], [50, 0]) == (
        f"{LEFT},{TOP} {WIDTH - RIGHT},{HEIGHT - BOTTOM}"
    )


def test_what_is_not_finite_is_no_point():
    axes = Axes((0, 2), (0, 1))
    found = axes.points([0, 1, 2], [0, float("nan"), float("inf")])
    assert found == f"{LEFT},{HEIGHT - BOTTOM}"


@pytest.mark.parametrize(
    ("width", "most", "step"), [(80, 5, 20), (1, 5, 0.2), (0.3, 3, 0.1), (90, 8, 20)]
)
def test_steps_are_round_and_as_fine_as_there_is_room(width, most, step):
    assert round_step(width, most) == pytest.approx(step)


@pytest.mark.parametrize("high", [0.013, 0.7, 1, 3, 24, 99, 1234])
def test_ticks_are_multiples_of_one_step_within_the_axis(high):
    axes = Axes((0, high), (0, high))
    ticks = axes.x_ticks(6, "{:g}".format)
    numbers = np.array([float(tick.text) for tick in ticks])
    assert 3 <= len(ticks) <= 7 and numbers[0] == 0 and numbers[-1] <= high
    np.testing.assert_allclose(np.diff(numbers), numbers[1], rtol=1e-5)  # of %g
    places = [tick.place for tick in ticks]
    assert places == [axes.x(number) for number in numbers]
    assert [axes.y(n) for n in numbers] == [t.place for t in axes.y_ticks(6, str)]
