"""No six lines stand twice: what two files need is said once."""

from tests.source_tree import ROOT, repeated

LINES = 6
NOT_YET: set[str] = set()  # files that repeat another; to be emptied


def tree():
    """The text of every file of Python and of the shell that is in the tree."""
    names = [
        path.relative_to(ROOT).as_posix()
        for folder in ("keras_alexnet", "tfrecords", "scripts", "tests")
        for suffix in ("py", "sh")
        for path in (ROOT / folder).rglob(f"*.{suffix}")
    ]
    return {name: (ROOT / name).read_text() for name in [*names, ".ci/run"]}


def test_no_six_lines_stand_twice():
    found = repeated(tree(), LINES)
    assert not [place for place in found if place.split(":")[0] not in NOT_YET]


def test_what_is_planted_is_found():
    six = "".join(f"value_{n} = compute({n})\n\n" for n in range(LINES))
    indented = "def f():\n    # why\n" + six.replace("value", "    value")
    texts = {**tree(), "scripts/one.py": six, "tests/two.py": indented}
    (place,) = [p for p in repeated(texts, LINES) if "scripts/one.py" in p]
    assert place == "scripts/one.py:1 = tests/two.py:3"
    assert not repeated({"a.py": six, "b.py": six.replace("5", "6")}, LINES)


def test_imports_and_comments_do_not_count():
    text = "from os import (\n    path,\n    sep,\n)\n# a\n# b\n# c\nimport re\n"
    assert not repeated({"a.py": text, "b.py": text, "c.sh": "# x\n" * 9}, LINES)
