"""What the files of the tree import, define and repeat, read and not run."""

import ast
import functools
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("keras_alexnet", "tfrecords")
OUTSIDE = ("scripts", "tests")  # ours too, and imported by nothing
_PLACE = re.compile(rf"((?:{'|'.join(PACKAGES)})(?:\.\w+)+)(?::\w+)?")

Modules = Mapping[str, str]  # name with dots -> source text


def read_modules(*folders: str) -> dict[str, str]:
    """Return the text of every module below these folders of the tree, by its name."""
    found = {}
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = path.read_text()
    return found


def path_of(module: str) -> Path:
    """Return where a module lies, from the root of the tree."""
    path = Path(*module.split("."))
    package = path / "__init__.py"
    return package if (ROOT / package).is_file() else path.with_suffix(".py")


def room(module: str) -> str:
    """Return the room of a module: a folder of a package, or what stands beside it."""
    parts = module.split(".")
    if parts[0] != "keras_alexnet":
        return ".".join(parts[:2])
    return parts[1] if len(parts) > 1 else parts[0]


def imported(module: str, modules: Modules, late: bool = True) -> set[str]:
    """Return all of ours that a module imports, wherever that stands in the file.

    Args:
        module: Its name.
        modules: All there are.
        late: Whether what a registry or a package that hands on imports at first use
            counts too: any string that is a place, `package.module:attribute`.

    Raises:
        ValueError: An import is relative.
    """
    found = set()
    if late:
        found = {
            f"{module}.{n}" for n, home in _homes(modules[module]).items() if not home
        }
    for node in ast.walk(ast.parse(modules[module])):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            if node.level or node.module is None:
                raise ValueError(f"{module}:{node.lineno} imports relatively")
            homes = _homes(modules.get(node.module, "")) if late else {}
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in modules else node.module)
                found |= {homes[alias.name]} if homes.get(alias.name) else set()
        elif late and isinstance(node, ast.Constant) and isinstance(node.value, str):
            place = _PLACE.fullmatch(node.value)
            found |= {place[1]} & {*modules} if place else set()
    return {name for name in found if name.split(".")[0] in (*PACKAGES, *OUTSIDE)}


@functools.cache
def _homes(text: str) -> dict[str, str]:
    # What a package hands on, and from where; a module of its own has no home.
    calls = [node for node in ast.walk(ast.parse(text)) if _hands_on(node)]
    return {name: home for call in calls for name, home in _texts(call)}


def _hands_on(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == "hand_on"


def _texts(node: ast.AST) -> list[tuple[str, str]]:
    # What is said of each name in the tables within a node.
    tables = [each for each in ast.walk(node) if isinstance(each, ast.Dict)]
    pairs = [pair for t in tables for pair in zip(t.keys, t.values, strict=True)]
    values = [[getattr(each, "value", None) for each in pair] for pair in pairs]
    return [(k, v) for k, v in values if isinstance(k, str) and isinstance(v, str)]


def circle(modules: Modules) -> set[str]:
    """Return the modules that import each other in a circle, and who imports them.

    A registry may name what imports the registry: at first use it is complete.
    """
    graph = {name: imported(name, modules, late=False) for name in modules}
    graph = {name: others & {*modules} - {name} for name, others in graph.items()}
    while leaves := {name for name, others in graph.items() if not others}:
        graph = {n: others - leaves for n, others in graph.items() if n not in leaves}
    return {*graph}


def long_functions(text: str, most: int) -> list[str]:
    """Return the functions and methods of more lines than that, with their length."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            found += [f"{node.name}: {lines}"] if lines > most else []
    return found


def public_names(text: str) -> set[str]:
    """Return the public classes and functions that a file defines at its top level."""
    kinds = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    names = {node.name for node in ast.parse(text).body if isinstance(node, kinds)}
    return {name for name in names if not name.startswith("_")}


def twins(modules: Modules) -> dict[str, list[str]]:
    """Return each public class or function that several modules define, and those."""
    homes = defaultdict(list)
    for module, text in modules.items():
        for name in public_names(text):
            homes[name].append(module)
    return {name: found for name, found in homes.items() if len(found) > 1}


def shadowed(modules: Modules) -> set[str]:
    """Return modules and rooms called as something that the package above gives.

    `package.name` would be one thing before the module is imported, another after it.
    """
    found = set()
    for module in modules:
        package, _, name = module.rpartition(".")
        if package in modules and name in _given(package, modules[package]):
            found.add(module)
    return found


def _given(package: str, text: str) -> set[str]:
    # What a package defines, imports from a module, or hands on from one.
    found = public_names(text) | {name for name, home in _homes(text).items() if home}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module != package:
            found |= {alias.asname or alias.name for alias in node.names}
    return found


def repeated(texts: Mapping[str, str], lines: int) -> list[str]:
    """Return where so many equal lines stand twice, however far they are indented.

    Blank lines, comments and imports are left out.

    Args:
        texts: Name of a file, with its suffix -> what is in it.
        lines: Number of equal lines, one after the other.
    """
    places = defaultdict(list)
    for name, text in texts.items():
        kept = list(_kept(name, text))
        for first in range(len(kept) - lines + 1):
            window = kept[first : first + lines]
            places[tuple(line for _, line in window)].append(f"{name}:{window[0][0]}")
    return [" = ".join(found) for found in places.values() if len(found) > 1]


def _kept(name: str, text: str) -> Iterable[tuple[int, str]]:
    imports = set()
    if name.endswith(".py"):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import | ast.ImportFrom):
                imports |= {*range(node.lineno, (node.end_lineno or 0) + 1)}
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#") and number not in imports:
            yield number, line.strip()
