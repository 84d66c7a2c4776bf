import dataclasses

import pytest

from keras_alexnet.report.chart import HEIGHT, LEFT, RIGHT, TOP, WIDTH
from keras_alexnet.report.curves import curves_section
from keras_alexnet.report.reported_run import ReportedRun

RATES = (0.01, 0.01, 0.001)
ERRORS = (0.5, 0.4, 0.3)


def history(errors=ERRORS, rates=RATES):
    return [
        {
            **{"epoch": float(epoch), "error": 2 * error, "loss": 1.0},
            **{"val_error": error, "val_loss": error, "learning_rate": rate},
            "seconds": 30.0,
        }
        for epoch, (error, rate) in enumerate(zip(errors, rates, strict=True), 1)
    ]


def run(name="run", **fields):
    return ReportedRun(name, None, history(**fields))


def test_lines_are_the_figures_of_the_history():
    section = curves_section([run()])
    errors, losses = section["charts"]
    training, validation = errors.lines
    assert (training.name, training.dashed) == ("training", True)
    assert (validation.name, validation.dashed) == ("validation", False)
    # 100 % is the largest figure, epochs 1 to 3 the axis.
    places = [tuple(map(float, each.split(","))) for each in training.points.split()]
    assert places[0] == (LEFT, TOP) and places[-1][0] == WIDTH - RIGHT
    heights = [y for _, y in places]
    assert heights[1] - heights[0] == pytest.approx(heights[2] - heights[1], abs=0.1)
    assert [tick.text for tick in errors.x_ticks] == ["1", "2", "3"]
    assert [tick.text for tick in errors.y_ticks][-1] == "100"
    assert losses.y_title == "loss" and errors.key != losses.key
    assert "training from 100 to 60 and validation from 50 to 30" in errors.says


def test_drops_of_the_rate_are_marked_between_their_epochs():
    section = curves_section([run()])
    (mark,) = section["charts"][0].marks
    left, right = (
        float(each.split(",")[0])
        for each in section["charts"][0].lines[0].points.split()[1:]
    )
    assert mark.text == "÷10" and mark.place == pytest.approx((left + right) / 2)
    assert section["runs"][0]["drops"] == [(2.0, pytest.approx(10))]
    assert "drops after epoch 2." in section["charts"][0].says
    assert section["runs"][0]["best"] == 3 and section["runs"][0]["seconds"] == 90


def test_several_runs_have_a_colour_each_in_one_chart():
    section = curves_section([run("one"), run("two")])
    lines = section["charts"][0].lines
    assert [line.colour for line in lines] == [1, 1, 2, 2]
    assert lines[2].name == "two, training"
    assert section["charts"][0].says.count("over 3 epochs") == 2


def test_runs_without_figures_are_left_out():
    export = dataclasses.replace(run(), history=[])
    assert curves_section([export]) is None
    assert len(curves_section([export, run()])["runs"]) == 1


def test_what_diverged_or_has_one_epoch_is_drawn_all_the_same():
    nan = float("nan")
    section = curves_section([run(errors=(nan,) * 3)])
    assert section["runs"][0]["best"] is None
    assert section["charts"][0].lines[1].points == ""
    single = curves_section([run(errors=(0.5,), rates=(0.01,))])["charts"][0]
    x, y = map(float, single.lines[0].points.split(","))
    assert LEFT < x < WIDTH - RIGHT and 0 < y < HEIGHT
