"""The whole page: what it says, that it needs nothing else, that all can read it."""

import builtins
import html
import shutil
import sys

import pytest

from keras_alexnet import load
from keras_alexnet.evaluation.accuracy import evaluate
from keras_alexnet.report.page import render_report
from tests import small
from tests.keras_alexnet.report.page_reader import PageReader
from tfrecords.errors import UserError

HOSTILE = ("<script>alert(1)<", 'b"><img src=x onerror=alert(2)>', "c{{7*7}}\u202e")
# What can load or run something.
LOADS = ("src", "srcset", "href", "xlink:href", "action", "data", "poster", "style")


def test_errors_and_classes_are_those_of_evaluate(run, dataset, read):
    network = load(run)
    for place, views in ((1, 1), (2, 10)):
        found = evaluate([network], dataset, views=views)
        low, high = found.top1_interval
        wrong = round(found.top1_error * found.images)
        assert read.tables["Errors"][place][1:] == [
            *(f"{found.top1_error:.2%}", str(wrong), f"{low:.2%} to {high:.2%}"),
            *(f"{found.loss:.4f}", f"{found.calibration.ece:.4f}"),
        ]
        assert f"{wrong} wrong; {low:.1%} to {high:.1%}" in read.text
    expected = {row["class"]: row for row in found.classes()}  # of ten views
    rows = read.tables["Errors of each class"][1:]
    for name, learnt, images, error, _, _, taken_for in rows:
        row = expected.pop(name)
        assert (learnt, images) == ("12", str(row["images"]))
        assert error == f"{row['top1_error']:.1%}"
        assert taken_for == (
            f"{row['taken_for']} ({row['times']})" * bool(row["times"])
        )
    assert expected == {}


def test_recipe_history_and_origins_are_told(run, read):
    changed = {
        row[0]: row[1:]
        for row in read.tables["Settings that differ from the preset"][1:]
    }
    assert changed["units"] == ["16", "4096"] and changed["batch size"] == ["8", "128"]
    rows = read.tables["Figures of each epoch of run"]
    history = (run / "history.csv").read_text().splitlines()
    assert [row[0] for row in rows[1:]] == ["1", "2"]
    error = float(history[1].split(",")[1])
    assert rows[0][1] == "error" and rows[1][1] == f"{error:.2%}"
    assert "small: 3 classes; 36 pictures train, 12 pictures validation" in read.text
    assert len(read.tables["Layers of run"]) == 9
    assert "What this report lacks" not in read.text


def test_the_page_needs_nothing_else_and_runs_nothing(page, read):
    assert not {tag for tag, _ in read.elements} & {
        *("script", "iframe", "object", "embed", "base", "form"),
    }
    for _, attributes in read.elements:
        assert not [name for name in attributes if name.startswith("on")]
        for name in LOADS:
            value = attributes.get(name, "")
            assert not value or value.startswith(("#", "data:", "width:", "--s:"))
    assert "http" not in page and "url(" not in page and "@import" not in page
    targets = {value[1:] for value in read.values("href") if value.startswith("#")}
    ids = read.values("id")
    assert targets <= {*ids} and len({*ids}) == len(ids)
    assert len(page.encode()) < 1_000_000


def test_every_picture_has_words_and_a_table(read):
    images = [each for tag, each in read.elements if tag == "img"]
    assert images and all(each["alt"] for each in images)
    charts = [each for _, each in read.elements if each.get("role") == "img"]
    assert len(charts) == 3
    assert all(each["aria-labelledby"] in read.values("id") for each in charts)


def test_the_same_runs_give_the_same_bytes(run, page):
    assert render_report([run]) == page


def test_two_runs_are_compared(run, second_run):
    read = PageReader(render_report([run, second_run], views=1))
    assert [row[:2] for row in read.tables["Errors"][1:]] == [
        *(["run", "centre view"], ["second", "centre view"]),
    ]
    assert read.tables["Settings in which the runs differ"][1:] == [
        ["seed", "0", "7", "0"]
    ]
    assert read.tables["Errors of each class"][0][-3:] == [
        "run",
        "second",
        "difference",
    ]
    (pair,) = read.tables["Pictures that only one run gets right"][1:]
    assert pair[0] == "run, second" and sum(map(int, pair[1:5])) == 12
    for name in ("run", "second"):
        assert len(read.tables[f"Figures of each epoch of {name}"]) > 2
        assert f"Calibration of {name}" in read.tables
    assert "Worst errors" not in read.text and "Confusions" not in read.text


def test_names_of_classes_and_files_are_text_and_nothing_else(run, tmp_path):
    data = small.build_dataset(tmp_path / "made", 8, HOSTILE)
    strange = shutil.copytree(run, tmp_path / "<b>run&")
    shutil.copy(data / "labels.txt", strange / "labels.txt")
    page = render_report([strange], data=data, views=1)
    read = PageReader(page)
    tags = {tag for tag, _ in read.elements}
    assert "script" not in tags and not read.values("onerror")
    assert "x" not in read.values("src")
    for name in HOSTILE[:2]:
        assert html.escape(name, quote=False).replace('"', "&#34;") in page
        assert name in read.text
    assert "c{{7*7}}\\u202e" in read.text and "\u202e" not in page
    assert "<b>run&" in read.text


def test_an_export_says_what_it_lacks(exported, dataset):
    read = PageReader(render_report([exported], views=1))
    assert "for want of a dataset" in read.text and "no history.csv" in read.text
    assert "Kernels of model/1: an export has none" in read.text
    assert "Errors" not in read.tables
    told = PageReader(render_report([exported], data=dataset, views=1))
    assert told.tables["Errors"] and "for want of a dataset" not in told.text
    assert "What speaks for the guess" not in told.text  # it has no gradients


@pytest.mark.parametrize(
    ("options", "said"),
    [({"views": 3}, "1 or 10 views, got 3"), ({"worst": 61}, "worst")],
)
def test_numbers_out_of_range_are_refused(run, options, said):
    with pytest.raises(UserError, match=said):
        render_report([run], **options)


def test_a_missing_jinja_is_answered_with_its_extra(run, monkeypatch):
    found = builtins.__import__

    def without(name, *rest, **more):
        if name == "jinja2":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return found(name, *rest, **more)

    monkeypatch.delitem(sys.modules, "jinja2", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(
        UserError, match=r"jinja2.*pip install 'keras-alexnet\[report\]"
    ):
        render_report([run])


def test_a_browser_shows_it_to_all_in_light_and_dark_and_on_a_phone(
    browser, page, tmp_path
):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    file = tmp_path / "report.html"
    file.write_text(page)
    said, asked = [], []
    opened = browser.new_page()
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(file.as_uri())
    opened.locator("details").evaluate_all("all => all.forEach((e) => (e.open = true))")
    for scheme in ("light", "dark"):
        opened.emulate_media(color_scheme=scheme)
        assert axe.run(opened).response["violations"] == []
    opened.set_viewport_size({"width": 360, "height": 740})
    widths = "[document.documentElement.scrollWidth, innerWidth]"
    assert opened.evaluate(widths) == [360, 360]
    broken = "all => all.filter((each) => !each.naturalWidth).length"
    assert opened.locator("img").evaluate_all(broken) == 0
    opened.close()
    assert said == []
    assert [url for url in asked if not url.startswith("data:")] == [file.as_uri()]
