from pathlib import Path

import pytest

from keras_alexnet.figures import caption
from keras_alexnet.figures.caption import Caption


@pytest.fixture
def commit(monkeypatch):
    """A function that says which commit this code is."""

    def become(value):
        monkeypatch.setattr(caption, "code_commit", lambda: value)

    return become


def made_by(*arguments, **options):
    return Caption.of("", *arguments, **options).made_by


def test_the_command_can_be_given_again(commit):
    commit("0123456789abcdef")
    paths = ["/a/run", Path("b/a picture.jpg")]
    options = {"data": Path("/c/set"), "count": 3, "layer": None, "input_size": 67}
    assert made_by("neighbours", paths, **options) == (
        "alexnet figures neighbours run 'a picture.jpg' --data set --count 3 "
        "--input-size 67  (alexnet 0.1.0, commit 0123456789)"
    )


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (None, "(alexnet 0.1.0)"),
        ("ab" * 20 + "-dirty", "(alexnet 0.1.0, commit ababababab-dirty)"),
    ],
)
def test_code_has_a_version_and_a_commit_if_one_is_known(commit, found, said):
    commit(found)
    assert made_by("curves", ["run"]) == f"alexnet figures curves run  {said}"


def test_names_are_printable_and_not_too_many(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert f"curves {tmp_path.name} " in made_by("curves", ["."])
    assert "'a\\n\\xff' " in made_by("curves", ["x/a\n\udcff"])
    many = made_by("curves", [f"run{n}" for n in range(9)])
    assert "run5 '" not in many and "run5 … and 3 more " in many


@pytest.mark.parametrize("width", [1.0, 4.0, 9.0])
def test_no_line_is_wider_than_the_figure(width):
    long = Caption.of("Words of a caption. " * 20, "curves", ["x" * 400])
    for line in long.lines(width):
        letter = 0.602 if line.family == "monospace" else 0.45
        assert len(line.text) * line.size * letter / 72 <= width
    texts = " ".join(line.text for line in long.lines(width))
    assert texts.replace(" ", "") == (long.text + long.made_by).replace(" ", "")
