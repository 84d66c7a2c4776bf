import pytest

from keras_alexnet import cli


def report(*arguments):
    return cli.main(["report", *map(str, arguments)])


def test_a_page_is_written_and_said(run, tmp_path, capsys):
    out = tmp_path / "new" / "report.html"
    assert report(run, "--views", 1, "--worst", 1, "--out", out) == 0
    assert f"Report: {out}, 0." in capsys.readouterr().out
    page = out.read_text()
    assert page.startswith("<!doctype html>") and page.count("taken for ") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{run}", "--out", "{tmp}/report.pdf"], "Expected a page named .html"),
        (["{run}", "--out", "{tmp}"], "Expected a page named .html"),
        (["{tmp}/nowhere", "--out", "{tmp}/a.html"], "Expected a run folder"),
        (["{run}", "{run}", "--out", "{tmp}/a.html"], "got one twice"),
        (["{run}", "{run}", "--worst=3", "--out", "{tmp}/a.html"], "one run with"),
        (["{run}", "--worst=-1", "--out", "{tmp}/a.html"], "worst"),
        (
            ["{run}", "--split=tset", "--data={data}", "--out", "{tmp}/a.html"],
            "--split",
        ),
        (["{run}", "--data", "{tmp}", "--out", "{tmp}/a.html"], "a dataset folder"),
        (["{run}", "--out", "/dev/null/a.html"], "no folder"),
    ],
)
def test_what_cannot_be_is_one_line_and_nothing_is_written(
    run, dataset, tmp_path, capsys, arguments, said
):
    filled = [each.format(run=run, tmp=tmp_path, data=dataset) for each in arguments]
    assert report(*filled) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("alexnet report: ") and said in line
    assert not [*tmp_path.iterdir()]
