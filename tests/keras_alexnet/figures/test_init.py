"""What holds for every kind of figure."""

import json
import shutil
from pathlib import Path

import pytest

from keras_alexnet import load
from keras_alexnet.figures import FIGURES, SUBJECTS
from tests import small
from tests.keras_alexnet.figures.test_reliability import CALIBRATION
from tfrecords.errors import UserError

ENDINGS = (".png", ".svg", ".PDF")
OF_MODELS = ("kernels", "lrn", "grad_cam", "neighbours")  # an export has no model


@pytest.fixture(scope="module")
def given(run, dataset, index, red, tmp_path_factory):
    """Paths and options of each kind."""
    evaluation = tmp_path_factory.mktemp("evaluation") / "evaluation.json"
    classes = [{"class": name} for name in small.CLASSES]
    document = {"confusion": [[3, 1, 0], [0, 4, 0], [1, 1, 2]], "classes": classes}
    evaluation.write_text(json.dumps(document | {"calibration": CALIBRATION}))
    return {
        "curves": ([run], {}),
        "samples": ([dataset], {"count": 2}),
        "augmentation": ([dataset, run], {"count": 3}),
        "kernels": ([run], {}),
        "lrn": ([run, red], {"channels": 1}),
        "receptive_fields": (["released"], {}),
        "predictions": ([run, red], {"data": dataset}),
        "neighbours": ([run, index, red], {"count": 1}),
        "occlusion": ([run, red], {"label": "red"}),
        "grad_cam": ([run, red], {"label": "red"}),
        "confusion": ([evaluation], {"data": dataset}),
        "reliability": ([evaluation], {}),
    }


@pytest.mark.parametrize(("number", "kind"), [*enumerate(FIGURES)])
def test_the_same_inputs_give_the_same_bytes(number, kind, given, drawn, tmp_path):
    paths, options = given[kind]
    ending = ENDINGS[number % len(ENDINGS)]
    one, other = tmp_path / f"one{ending}", tmp_path / "deep" / f"other{ending}"
    FIGURES[kind](paths, one, **options)
    FIGURES[kind](list(map(str, paths)), other, **options)
    assert one.read_bytes() == other.read_bytes()
    caption = " ".join(text.get_text() for text in drawn[0].texts)
    assert f"alexnet figures {kind} " in caption and "(alexnet 0." in caption
    for path in paths:  # by name: folders of one machine say nothing elsewhere
        name = Path(path).name.replace("\udcff", "\\xff")
        assert name in caption and f"/{name}" not in caption
    for name, value in options.items():
        shown = value.name if isinstance(value, Path) else value
        assert f"--{name} {shown}" in caption
    assert all(not text.get_parse_math() for text in drawn[0].texts)


@pytest.mark.parametrize("kind", FIGURES)
def test_what_is_given_is_refused_in_one_line(kind, given, tmp_path):
    paths, _ = given[kind]
    nothing = tmp_path / "nothing"
    out = tmp_path / "out.png"
    for wrong in ([], [nothing], [tmp_path], [*paths, nothing, nothing]):
        with pytest.raises(UserError) as caught:
            FIGURES[kind](wrong, out)
        assert str(caught.value).count("\n") == 0
    with pytest.raises(UserError, match="got out.docx"):
        FIGURES[kind](paths, tmp_path / "out.docx")
    assert not out.exists()


@pytest.mark.parametrize("kind", OF_MODELS)
def test_an_export_has_no_model_to_look_into(kind, given, exported, tmp_path):
    paths, _ = given[kind]
    with pytest.raises(UserError, match="Keras"):
        FIGURES[kind]([exported, *paths[1:]], tmp_path / "out.png")


def test_an_export_answers_as_its_network_does(run, exported, red, drawn, tmp_path):
    for network in (run, exported):
        FIGURES["predictions"]([network, red], tmp_path / "out.png")
    own, other = (figure.axes[1].patches for figure in drawn)
    scores = load(run).predict([red])[0].scores
    bound = small.probability_bound()
    for bar, same, score in zip(own, other, scores, strict=True):
        assert bar.get_width() == score
        assert same.get_width() == pytest.approx(score, abs=bound)


def test_a_run_that_moved_is_drawn_from_its_name_alone(run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "elsewhere" / run.name)
    for place, out in ((run, "one.svg"), (copy, "other.svg")):
        FIGURES["kernels"]([place], tmp_path / out)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "other.svg").read_bytes()


def test_each_kind_says_what_it_is_given_and_shows():
    assert [*SUBJECTS] == [*FIGURES]
    assert all(given and shows for given, shows in SUBJECTS.values())
