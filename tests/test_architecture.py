"""Imports go one way, files stay short, names say what they hold and mean one thing.

The functions that read the tree are in `source_tree`; that they bite is tested below.
"""

import ast

import pytest

from keras_alexnet import cli
from tests.source_tree import (
    PACKAGES,
    ROOT,
    circle,
    imported,
    long_functions,
    path_of,
    public_names,
    read_modules,
    room,
    shadowed,
    twins,
)

MOST_LINES = 300  # of a file
MOST_TEST_LINES = 450  # of one of tests, which holds all that is known of one module
MOST_FUNCTION_LINES = 60
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
    "weights": {"tfrecords.dataset", "presets", "models", "data", "trained"},
    "training": {
        *("tfrecords.dataset", "presets", "layers", "models", "towers", "data"),
        "trained",
    },
    "export": {
        *("tfrecords.dataset", "presets", "layers", "models", "data", "inference"),
        "trained",
    },
    "serving": {"tfrecords.images", "inference", "trained"},
    "evaluation": {"tfrecords.dataset", "data", "inference", "trained"},
    "figures": {
        *("tfrecords.dataset", "presets", "models", "data", "inference", "trained"),
        "evaluation",
    },
    "report": {
        *("tfrecords.dataset", "presets", "models", "data", "inference", "trained"),
        *("training", "evaluation", "figures"),
    },
    "reproduction": {
        *("tfrecords.dataset", "presets", "inference", "trained", "training"),
        *("evaluation", "figures"),
    },
}
# From left to right the way the data goes; `benchmark` imports all before it.
MAY_IMPORT["benchmark"] = {*MAY_IMPORT, "training", "evaluation", "export"} - {
    *("figures", "report", "reproduction", "serving", "tfrecords.building"),
    *("tfrecords.verification", "tfrecords.sources"),
}
# What stands beside the rooms, and what of the rooms it imports; "*" is anything.
BESIDE = {
    "tfrecords": {
        *("tfrecords.building", "tfrecords.dataset", "tfrecords.verification"),
    },
    "keras_alexnet": {
        *("data", "layers", "models", "presets", "towers", "trained", "training"),
        "registration",
    },
    "registration": {"layers", "towers", "training"},
    "commands": {"*"},
    "cli": {"commands"},
    "__main__": {"cli"},
}
OPEN_TO_ALL = {
    *("tfrecords.errors", "tfrecords.files", "tfrecords.progress"),
    *("tfrecords.processes", "tfrecords.ranges", "tfrecords.plain_text"),
    *("tfrecords.result_files", "tfrecords.streams", "tfrecords.tables"),
    *("tfrecords.text_file", "tfrecords.addresses", "tfrecords"),
    *("tfrecords.stopwatch", "tfrecords.process_context"),
    "tfrecords.imported_tensorflow",
    *("version", "registry", "record", "machine", "memory", "processor", "storage"),
    *("keras_settings", "options", "device_memory"),
}
# What every file of a kind has: the verb of a command, a reader, an exporter and so on.
SAME_EVERYWHERE = {
    *("main", "export", "draw", "read", "measure", "open_network", "recognises"),
    "write",
}
ELSEWHERE = "scripts.benchmarks.peers."  # they run in environments of their own
UNTESTED = {"__init__", "__main__", "version", "errors", "names"}  # by name

MODULES = read_modules(*PACKAGES)
SCRIPTS = read_modules("scripts")
TESTS = read_modules("tests")
EVERYTHING = {**MODULES, **SCRIPTS, **TESTS}


def forbidden(module, modules=MODULES):
    """The rooms that a module imports and may not."""
    home = room(module)
    others = {room(name) for name in imported(module, modules)} - {home} - OPEN_TO_ALL
    if home in OPEN_TO_ALL and home not in BESIDE:
        return others
    allowed = MAY_IMPORT.get(home, BESIDE.get(home))
    assert allowed is not None, f"say in MAY_IMPORT what {home} may import"
    return set() if "*" in allowed else others - allowed


def test_there_is_something_to_check():
    assert len(MODULES) > 100 and len(TESTS) > 100 and SCRIPTS
    found = imported("keras_alexnet.models.network", MODULES)
    assert "keras_alexnet.layers" in {name[:20] for name in found}
    assert room("tfrecords.sources.folder") == "tfrecords.sources"
    assert room("keras_alexnet.data.views") == "data"


def test_imports_go_one_way():
    found = {module: forbidden(module) for module in MODULES}
    assert not {module: rooms for module, rooms in found.items() if rooms}


def test_no_room_imports_back():
    for name, allowed in MAY_IMPORT.items():
        for other in allowed:
            assert name not in MAY_IMPORT.get(other, ()), f"{name} and {other}"


def test_no_circle_of_modules():
    assert not circle(MODULES)


def test_files_and_functions_stay_short():
    found = {}
    for module, text in EVERYTHING.items():
        most = MOST_TEST_LINES if module in TESTS else MOST_LINES
        whole = [module] if text.count("\n") > most else []
        found[module] = whole + long_functions(text, MOST_FUNCTION_LINES)
    assert not {module: long for module, long in found.items() if long}


def test_names_say_what_they_hold():
    words = {module: {*module.replace("_", ".").split(".")} for module in EVERYTHING}
    assert not [module for module in words if VAGUE_NAMES & words[module]]


def test_no_public_name_means_two_things():
    found = twins(MODULES)
    found = {
        name: homes for name, homes in found.items() if name not in SAME_EVERYWHERE
    }
    assert not found


def test_no_class_of_a_script_is_called_as_another():
    found = twins({**MODULES, **SCRIPTS})
    assert not [name for name in found if name[0].isupper()]


def test_no_module_is_called_as_what_its_package_gives():
    assert shadowed(MODULES) == set()


def mirror(module):
    """The name of the module of tests that a module of ours has."""
    *folders, name = module.removeprefix("scripts.").split(".")
    folders = [] if module == "keras_alexnet.cli" else folders  # it is of both packages
    return ".".join(["tests", *folders, f"test_{name}"])


def unmirrored(modules, tests):
    """Modules without tests of their own, and tests of no module."""
    tested = {
        module
        for module in modules
        if path_of(module).stem not in UNTESTED  # though it may be
        and not module.startswith(ELSEWHERE)
    }
    missing = {module for module in tested if mirror(module) not in tests}
    may_be = {mirror(module) for module in modules}
    may_be |= {f"tests.{module}.test_init" for module in modules}
    mirrored = ("tests.keras_alexnet.", "tests.tfrecords.", "tests.benchmarks.")
    ours = {name for name in tests if name.startswith(mirrored) and ".test_" in name}
    return missing | ours - may_be


def test_every_module_has_its_tests_and_every_test_its_module():
    found = unmirrored({**MODULES, **SCRIPTS}, TESTS)
    assert not found, sorted(found)


def test_files_and_public_things_say_what_they_are():
    silent = []
    for module, text in MODULES.items():
        tree = ast.parse(text)
        if tree.body and not ast.get_docstring(tree):
            silent.append(module)
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                if not node.name.startswith("_") and not ast.get_docstring(node):
                    silent.append(f"{module}.{node.name}")
    assert not silent


def test_every_command_is_a_verb_and_every_verb_a_command():
    commands = {n for n in MODULES if n.startswith("keras_alexnet.commands.")}
    places = {verb: place.partition(":") for verb, place in cli.VERBS.places.items()}
    assert {module for module, _, _ in places.values()} == commands
    assert {*cli.TEXTS} == {*cli.VERBS} and cli.TENSORFLOW < {*cli.VERBS}
    for verb, (module, _, _) in places.items():
        assert "main" in public_names(MODULES[module]), f"{verb} has no main"


# That it bites: what is planted into the tree is found by the same functions.


def planted(module, text):
    return {**MODULES, module: f"{MODULES.get(module, '')}\n{text}\n"}


@pytest.mark.parametrize(
    "text",
    [
        "import keras_alexnet.evaluation.accuracy",
        "def late():\n    from keras_alexnet.evaluation import accuracy",
        "if TYPE_CHECKING:\n    from keras_alexnet import evaluation",
        "MORE = Registry('kind', {'x': 'keras_alexnet.evaluation.accuracy:evaluate'})",
        "hand_on(__name__, {'Evaluation': 'keras_alexnet.evaluation.result'})",
        "importlib.import_module('keras_alexnet.evaluation')",
        "from keras_alexnet import evaluate",
    ],
)
def test_an_import_of_evaluation_in_export_is_found_wherever_it_hides(text):
    handed_on = "hand_on(__name__, {'evaluate': 'keras_alexnet.evaluation.accuracy'})"
    for module in ("keras_alexnet.export", "keras_alexnet.export.saved_model"):
        modules = planted(module, text) | {"keras_alexnet": handed_on}
        assert forbidden(module, modules) - {"keras_alexnet"} == {"evaluation"}


def test_relative_imports_and_circles_are_found():
    module = "keras_alexnet.layers.dropout"
    with pytest.raises(ValueError, match="relatively"):
        imported(module, planted(module, "from . import response_norm"))
    back = planted("keras_alexnet.presets.recipe", "import keras_alexnet.training.fit")
    assert "keras_alexnet.training.fit" in circle(back)


def test_a_long_function_is_found_wherever_it_hides():
    body = "\n".join(f"        line{n} = {n}" for n in range(60))
    text = f"class A:\n    def long(self):\n{body}\n    def short(self):\n        pass"
    assert long_functions(text, 60) == ["long: 61"]


def test_a_second_class_of_one_name_is_found():
    found = twins(planted("keras_alexnet.figures.canvas", "class Preset: pass"))
    assert "keras_alexnet.figures.canvas" in found["Preset"]
    assert not twins({"a": "class _Own: pass", "b": "class _Own: pass"})


@pytest.mark.parametrize(
    "module", ["keras_alexnet.models.alexnet", "tfrecords.build", "tfrecords.verify"]
)
def test_a_module_or_room_that_hides_a_public_function_is_found(module):
    assert shadowed(planted(module, "")) == {module}


def test_a_module_without_tests_and_tests_without_a_module_are_found():
    modules = {"keras_alexnet.data.order": "", "keras_alexnet.trained.names": ""}
    tests = {"tests.keras_alexnet.data.test_crops": "", "tests.test_cli": ""}
    found = {"keras_alexnet.data.order", "tests.keras_alexnet.data.test_crops"}
    assert unmirrored(modules, tests) == found
    assert (ROOT / path_of("tests.test_architecture")).samefile(__file__)
