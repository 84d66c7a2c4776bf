"""CONTRIBUTING's "The house" names every module, and nothing that is not there."""

import re

import pytest

from tests.source_tree import PACKAGES, ROOT, path_of, read_modules

TEXT = (ROOT / "CONTRIBUTING.md").read_text()
LINKING = {"and", "with"}


def house(text):
    """The names that stand in the block under "The house", by folder."""
    block = text.split("## The house\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in block.splitlines() if line.startswith("    ")]
    said, open_folders = {"": ""}, [(0, "")]
    for line in lines:
        indent, words = len(line) - len(line.lstrip()), line.strip()
        begins = re.match(r"(\w+/)(\s{2,}|$)", words)
        while begins and open_folders[-1][0] >= indent:
            open_folders.pop()
        if begins:
            open_folders.append((indent, open_folders[-1][1] + begins[1]))
            words = words[begins.end() :]
        folder = open_folders[-1][1]
        said[folder] = f"{said.get(folder, '')} {words}"
    bare = {folder: re.sub(r"\([^()]*\)", " ", words) for folder, words in said.items()}
    return {
        folder: {*re.split(r"[\s,;]+", words.strip())} - LINKING - {""}
        for folder, words in bare.items()
    }


HOUSE = house(TEXT)


@pytest.mark.parametrize("folder", HOUSE)
def test_what_is_named_is_there(folder):
    assert (ROOT / folder).is_dir()
    for name in HOUSE[folder]:
        path = ROOT / folder / name
        assert path.exists() or path.with_name(f"{name}.py").exists(), path


def test_every_module_room_and_document_is_named():
    found = {
        path_of(name) for name in read_modules(*PACKAGES, "scripts", "tests/tools")
    }
    found |= {path.relative_to(ROOT) for path in (ROOT / "tests").glob("*.py")}
    for kind in ("md", "ipynb"):
        found |= {path.relative_to(ROOT) for path in (ROOT / "docs").glob(f"*.{kind}")}
    found |= {path.relative_to(ROOT) for path in (ROOT / "scripts").glob("*.sh")}
    for path in found:
        names = HOUSE.get(f"{path.parent}/")
        assert names is not None, f"{path.parent}/ is no room of the house"
        tests = path.parent.name == "tools" and path.name.startswith("test_")
        if path.name != "__init__.py" and not tests:
            assert {path.name, path.stem} & names, path


def test_rooms_are_told_by_how_far_they_are_indented():
    lines = ("    one/   here (not that)", "      two/  a, b", "            and c")
    found = house("## The house\n\n" + "\n".join(lines) + "\n\n## Rules\n")
    assert found == {"": set(), "one/": {"here"}, "one/two/": {"a", "b", "c"}}
