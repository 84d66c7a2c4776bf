"""Imports go one way, files stay short, names say what they hold."""

import ast
from pathlib import Path

import pytest

from keras_alexnet import cli

ROOT = Path(__file__).parents[1]
PACKAGES = ("keras_alexnet", "tfrecords")
OUTSIDE = ("scripts", "tests")  # ours too, and imported by nothing
MOST_LINES = 350
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}

# Room: the other rooms that it may import; what is open to all is left out.
MAY_IMPORT = {
    "tfrecords.images": set(),
    "tfrecords.dataset": {"tfrecords.images"},
    "tfrecords.sources": {"tfrecords.images", "tfrecords.dataset"},
    "tfrecords.building": {
        *("tfrecords.images", "tfrecords.dataset", "tfrecords.sources"),
    },
    "tfrecords.verification": {"tfrecords.images", "tfrecords.dataset"},
    "presets": set(),
    "layers": set(),
    "launch": set(),
    "data": {"tfrecords.dataset", "tfrecords.images"},
    "models": {"presets", "layers"},
    "towers": {"presets", "layers", "models"},
    "inference": {
        *("tfrecords.images", "tfrecords.dataset", "layers", "models", "data"),
    },
    "trained": {
        *("tfrecords.dataset", "presets", "layers", "models", "data", "inference"),
    },
    "training": {
        *("tfrecords.dataset", "presets", "layers", "models", "towers", "data"),
        "trained",
    },
    "export": {
        *("tfrecords.dataset", "presets", "layers", "models", "data", "inference"),
        "trained",
    },
    "evaluation": {"tfrecords.dataset", "data", "inference", "trained"},
    "figures": {
        *("tfrecords.dataset", "presets", "models", "data", "inference", "trained"),
        "evaluation",
    },
}
# From left to right the way the data goes; `benchmark` imports all before it.
MAY_IMPORT["benchmark"] = {*MAY_IMPORT, "training", "evaluation", "export"} - {
    *("figures", "tfrecords.building", "tfrecords.verification", "tfrecords.sources"),
}
# What stands beside the rooms, and what of the rooms it imports; "*" is anything.
BESIDE = {
    "tfrecords": {
        *("tfrecords.building", "tfrecords.dataset", "tfrecords.verification"),
    },
    "keras_alexnet": {
        *("data", "layers", "models", "presets", "towers", "trained", "training"),
    },
    "commands": {"*"},
    "cli": {"commands"},
    "__main__": {"cli"},
}
OPEN_TO_ALL = {
    *("tfrecords.errors", "tfrecords.files", "tfrecords.progress"),
    *("tfrecords.processes", "tfrecords.ranges", "tfrecords.plain_text"),
    *("tfrecords.result_files", "tfrecords.streams", "tfrecords.tables"),
    *("tfrecords.text_file", "tfrecords"),
    *("version", "registry", "record", "machine", "processor", "keras_settings"),
    *("registration", "options"),
}
# Still against the table: (module, room). To be emptied, not to be added to.
NOT_YET: set[tuple[str, str]] = set()

SOURCES = sorted(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in SOURCES}


def imported(path):
    """Return every one of our modules that a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in MODULES else node.module)
    return {name for name in found if name.split(".")[0] in (*PACKAGES, *OUTSIDE)}


def room(module):
    parts = module.split(".")
    if parts[0] != "keras_alexnet":
        return ".".join(parts[:2])
    return parts[1] if len(parts) > 1 else parts[0]


def test_there_is_something_to_check():
    assert len(SOURCES) > 40
    assert "keras_alexnet.layers" in imported(MODULES["keras_alexnet.models.network"])
    assert room("tfrecords.sources.folder") == "tfrecords.sources"
    assert room("keras_alexnet.data.views") == "data"


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_one_way(module):
    home = room(module)
    others = {room(name) for name in imported(MODULES[module])} - {home} - OPEN_TO_ALL
    others -= {there for name, there in NOT_YET if name == module}
    allowed = MAY_IMPORT.get(home, BESIDE.get(home))
    if allowed is None:
        assert home in OPEN_TO_ALL, f"say in MAY_IMPORT what {home} may import"
        allowed = set()
    assert "*" in allowed or others <= allowed


def test_no_room_imports_back():
    for name, allowed in MAY_IMPORT.items():
        for other in allowed:
            assert name not in MAY_IMPORT.get(other, ()), f"{name} and {other}"


def test_no_circle_of_modules():
    graph = {name: imported(path) - {name} for name, path in MODULES.items()}
    remaining = {name: {o for o in graph[name] if o in graph} for name in graph}
    while leaves := {name for name, others in remaining.items() if not others}:
        remaining = {
            name: others - leaves
            for name, others in remaining.items()
            if name not in leaves
        }
    assert not remaining


@pytest.mark.parametrize("module", MODULES)
def test_files_stay_short(module):
    lines = MODULES[module].read_text().count("\n")
    assert lines <= MOST_LINES


@pytest.mark.parametrize("module", MODULES)
def test_names_say_what_they_hold(module):
    assert not VAGUE_NAMES & set(module.replace("_", ".").split("."))


@pytest.mark.parametrize("module", MODULES)
def test_files_and_public_things_say_what_they_are(module):
    tree = ast.parse(MODULES[module].read_text())
    if tree.body:
        assert ast.get_docstring(tree), "no docstring"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            if not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{node.name} has no docstring"


def test_every_command_is_a_verb_and_every_verb_a_command():
    commands = {n for n in MODULES if n.startswith("keras_alexnet.commands.")}
    places = {verb: place.partition(":") for verb, place in cli.VERBS.places.items()}
    assert {module for module, _, _ in places.values()} == commands
    assert {*cli.TEXTS} == {*cli.VERBS} and cli.TENSORFLOW < {*cli.VERBS}
    for verb, (module, _, _) in places.items():
        functions = {
            node.name
            for node in ast.parse(MODULES[module].read_text()).body
            if isinstance(node, ast.FunctionDef)
        }
        assert "main" in functions, f"{verb} has no main in {module}"
