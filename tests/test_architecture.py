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

# Package: the others that it may import. Against the way the data goes, never back.
MAY_IMPORT = {
    "tfrecords": set(),
    "keras_alexnet.version": set(),
    "keras_alexnet.keras_settings": set(),
    "keras_alexnet.processor": set(),
    "keras_alexnet.registration": set(),
    "keras_alexnet.layers": {"keras_settings", "processor"},
    "keras_alexnet.models": {"keras_settings", "layers"},
    "keras_alexnet.data": {"tfrecords"},
    "keras_alexnet.training": {
        *("keras_settings", "processor", "tfrecords", "layers", "models", "data")
    },
}
LIBRARY = {
    *("tfrecords", "version", "keras_settings", "processor"),
    *("layers", "models", "data", "training"),
}
MAY_IMPORT |= {
    "keras_alexnet.evaluation": LIBRARY,
    "keras_alexnet.export": LIBRARY | {"evaluation"},
    "keras_alexnet.figures": LIBRARY | {"evaluation"},
    "keras_alexnet.benchmark": LIBRARY,
    "keras_alexnet.commands": LIBRARY
    | {"evaluation", "export", "figures", "benchmark"},
    "keras_alexnet": LIBRARY | {"registration"},
    # And the commands, by name, when they are called.
    "keras_alexnet.cli": {"version", "keras_settings", "tfrecords"},
    "keras_alexnet.__main__": {"cli"},
}

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


def package(module):
    if module.split(".")[0] != "keras_alexnet":
        return module.split(".")[0]
    return ".".join(module.split(".")[:2])


def short(name):
    return name.removeprefix("keras_alexnet.")


def test_there_is_something_to_check():
    assert len(SOURCES) > 40
    assert "keras_alexnet.layers" in imported(MODULES["keras_alexnet.models.alexnet"])
    assert package("tfrecords.sources.folder") == "tfrecords"


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_one_way(module):
    home = package(module)
    assert home in MAY_IMPORT, f"say in MAY_IMPORT what {home} may import"
    others = {package(name) for name in imported(MODULES[module])} - {home}
    assert {short(name) for name in others} <= MAY_IMPORT[home]


def test_no_package_imports_back():
    for name, allowed in MAY_IMPORT.items():
        for other in allowed:
            back = MAY_IMPORT.get(other) or MAY_IMPORT.get(f"keras_alexnet.{other}")
            assert short(name) not in (back or ()), f"{name} and {other}"


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
    assert {module for module, _ in cli.VERBS.values()} == commands
    for verb, (module, _) in cli.VERBS.items():
        functions = {
            node.name
            for node in ast.parse(MODULES[module].read_text()).body
            if isinstance(node, ast.FunctionDef)
        }
        assert "main" in functions, f"{verb} has no main in {module}"
