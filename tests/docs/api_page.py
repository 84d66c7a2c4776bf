"""docs/api.md, made of what the code says of itself.

python -m tests.docs.api_page
"""

import ast
import dataclasses
import importlib
import inspect
import re
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from keras_alexnet.registry import Registry

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
WIDTH = 88  # of a line of code
HEAD = """\
# Public names

Made of the docstrings by `python -m tests.docs.api_page`; it is not edited by hand.
What is not on this page is not public, and may change with any release. Shapes begin
with the batch; images are RGB. Errors that a user can mend are
`tfrecords.errors.UserError`, of which `tfrecords.DatasetError` is one.
"""
# Modules whose `__all__` is on the page; then single names that they take or give.
PACKAGES = (
    "keras_alexnet",
    *("keras_alexnet.layers", "keras_alexnet.data", "keras_alexnet.training"),
    *("keras_alexnet.evaluation", "keras_alexnet.inference", "tfrecords"),
)
OTHERS = (
    "keras_alexnet.training.state.progress:RunProgress",
    "keras_alexnet.data.augment:colour_offsets",
    "keras_alexnet.data.augment:example_draws",
    "keras_alexnet.data.training_stream:TrainingOptions",
    "keras_alexnet.inference.explainer:Explainer",
    "keras_alexnet.inference.explainer:Explanation",
    "keras_alexnet.inference.occlusion:occlusion_map",
    "keras_alexnet.inference.first_layer:FirstLayer",
    "keras_alexnet.models.description:describe_layers",
    "keras_alexnet.models.description:describe_network",
    "keras_alexnet.models.description:LayerDescription",
    "keras_alexnet.models.layer_names:layer_names",
    "keras_alexnet.export:EXPORTERS",
    "keras_alexnet.inference.runtimes:RUNTIMES",
    "keras_alexnet.figures:FIGURES",
    "keras_alexnet.serving.app:create_app",
    "keras_alexnet.serving.options:ServingOptions",
    "tfrecords.building.options:BuildOptions",
    "tfrecords.images.options:ImageOptions",
    "tfrecords.verification.result:Verification",
)
# What Keras calls, and nobody else.
OF_KERAS = {"build", "call", "compute_output_shape", "get_config", "from_config"}
# Sections of a docstring that are lists of names.
LISTS = ("Args", "Attributes", "Raises")


def page() -> str:
    """Return the whole page."""
    sections = [(name, [*_public(name)]) for name in PACKAGES]
    others = []
    for place in OTHERS:
        module, name = place.split(":")
        thing = getattr(importlib.import_module(module), name)
        others.append((f"{module}.{name}", thing))
    sections.append(("What these take and give", others))
    lines = [HEAD]
    for title, things in sections:
        links = (f"[`{n.rpartition('.')[2]}`](#{_anchor(n)})" for n, _ in things)
        lines.append(f"- {title}: {', '.join(links)}")
    for title, things in sections:
        lines += ["", f"## {title}"]
        if title in PACKAGES:
            lines += ["", _prose(inspect.getdoc(importlib.import_module(title)))]
        for name, thing in things:
            lines += ["", f"### `{name}`", "", *entry(name, thing)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def _public(package: str) -> Iterator[tuple[str, Any]]:
    module = importlib.import_module(package)
    for name in sorted(module.__all__, key=str.lower):
        thing = getattr(module, name)
        if not inspect.ismodule(thing) and name != "__version__":
            yield f"{package}.{name}", thing


def _anchor(name: str) -> str:
    return name.replace(".", "").lower()  # as GitHub makes it of a heading


def entry(name: str, thing: Any) -> Iterator[str]:
    """Yield what the page says of one thing, without its heading."""
    short = name.rpartition(".")[2]
    if isinstance(thing, Registry):
        module = importlib.import_module(name.rpartition(".")[0])
        told = _comment(inspect.getsource(module).splitlines(), short)
        first = f"Each {thing.noun} by its name, imported at first use."
        yield from (f"{first} {told}".strip(), "")
        yield from (f"- `{each}`{_description(thing, each)}" for each in thing)
    elif inspect.isclass(thing):
        yield from _class(short, thing)
    else:
        yield from _function(short, thing)


def _description(registry: Registry, name: str) -> str:
    # Only presets say what they are: others would have to be imported for it.
    if registry.noun not in ("preset", "small preset"):
        return ""
    return f": {registry[name].description}"


def _class(name: str, kind: type) -> Iterator[str]:
    tree = _tree(kind)
    if dataclasses.is_dataclass(kind):
        yield from _code(f"class {name}")
        yield from (docstring(kind), "", *_fields(kind, tree))
    else:
        (start,) = _named(tree, "__init__") or [None]
        yield from _code(f"class {name}" + (_arguments(start) if start else ""))
        yield docstring(kind)
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef) or node.name in OF_KERAS:
            continue
        member = kind.__dict__.get(node.name)
        if not node.name.startswith("_") and not node.name.endswith("setter"):
            yield from ("", f"#### `{name}.{node.name}`", "")
            if isinstance(member, property):
                yield from _code(f"{node.name}: {_unquoted(node.returns)}")
            else:
                yield from _code(_signature(node))
            yield docstring(member)


def _function(name: str, function: Any) -> Iterator[str]:
    node = _tree(inspect.unwrap(function))
    yield from _code(_signature(node).replace(node.name, name, 1))
    yield docstring(function)


def _tree(thing: Any) -> Any:
    return ast.parse(textwrap.dedent(inspect.getsource(thing))).body[0]


def _named(tree: ast.ClassDef, name: str) -> list[ast.FunctionDef]:
    return [each for each in tree.body if getattr(each, "name", None) == name]


def _code(text: str) -> tuple[str, ...]:
    return ("```python", text, "```", "")


def _signature(node: ast.FunctionDef) -> str:
    returns = f" -> {_unquoted(node.returns)}" if node.returns else ""
    return node.name + _arguments(node, returns)


def _arguments(node: ast.FunctionDef, returns: str = "") -> str:
    """Return the arguments as they stand in the source, a line each if need be."""
    given = node.args
    positional = [*given.posonlyargs, *given.args]
    missing = len(positional) - len(given.defaults)
    defaults = [None] * missing + list(given.defaults)
    words = [_argument(*pair) for pair in zip(positional, defaults, strict=True)]
    if words and words[0] in ("self", "cls"):
        del words[0]
    if given.vararg:
        words.append(f"*{_argument(given.vararg)}")
    elif given.kwonlyargs:
        words.append("*")
    pairs = zip(given.kwonlyargs, given.kw_defaults, strict=True)
    words += [_argument(*pair) for pair in pairs]
    if given.kwarg:
        words.append(f"**{_argument(given.kwarg)}")
    line = f"({', '.join(words)}){returns}"
    if len(line) + len(node.name) <= WIDTH:
        return line
    return "(\n" + "".join(f"    {word},\n" for word in words) + f"){returns}"


def _argument(argument: ast.arg, default: ast.expr | None = None) -> str:
    kind = f": {_unquoted(argument.annotation)}" if argument.annotation else ""
    if default is None:
        return argument.arg + kind
    return f"{argument.arg}{kind}{' = ' if kind else '='}{ast.unparse(default)}"


def _unquoted(annotation: ast.expr) -> str:
    """Return a type, without the quotes of one that is imported for checkers alone."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return annotation.value
    return ast.unparse(annotation)


def _fields(kind: type, tree: ast.ClassDef) -> Iterator[str]:
    """Yield a line a field of its own: type, default, and what is written with it."""
    said = inspect.getdoc(kind) or ""
    defaults = {each.name: _default(each) for each in dataclasses.fields(kind)}
    lines = inspect.getsource(kind).splitlines()
    for node, after in zip(tree.body, [*tree.body[1:], None], strict=True):
        if not isinstance(node, ast.AnnAssign) or node.target.id not in defaults:
            continue
        name = node.target.id
        told = _text_of(after) or _comment(lines, name)
        if not told and re.search(rf"^    {name}: ", said, re.MULTILINE):
            continue  # among the attributes of the docstring
        line = f"- `{name}: {_unquoted(node.annotation)}{defaults[name]}`"
        yield f"{line}: {told}" if told else line


def _default(field: dataclasses.Field) -> str:
    if field.default is dataclasses.MISSING:
        return " = ..." if field.default_factory is not dataclasses.MISSING else ""
    # Not all fields of a dataclass that has only its own defaults.
    plain = dataclasses.is_dataclass(field.default) and repr(type(field.default)())
    if plain == repr(field.default):
        return f" = {type(field.default).__name__}()"
    return f" = {field.default!r}"


def _text_of(node: ast.stmt | None) -> str:
    value = getattr(node, "value", None)
    text = getattr(value, "value", None) if isinstance(node, ast.Expr) else None
    return " ".join(text.split()) if isinstance(text, str) else ""


def _comment(lines: list[str], name: str) -> str:
    """Return what is written in comments at the end of an assignment, or above it."""
    starts = [n for n, line in enumerate(lines) if re.match(rf'\s*{name}: ["\w]', line)]
    if not starts:
        return ""
    last = re.search(r"  # (.*)$", lines[starts[0]])
    found = [last[1]] if last else []
    for line in reversed(lines[: starts[0]]):
        above = re.fullmatch(r"\s*# (.*)", line)
        if not above:
            break
        found.insert(0, above[1])
    return " ".join(found)


def docstring(thing: Any) -> str:
    """Return a docstring as Markdown: its sections bold, its lists of names lists."""
    blocks = re.split(r"\n(?=[A-Z][a-z]+:(?:\n    |$))", inspect.getdoc(thing) or "")
    return "\n\n".join([_prose(blocks[0]), *map(_section, blocks[1:])]).strip()


def _section(block: str) -> str:
    title, _, body = block.partition(":\n")
    # What is indented, and perhaps a paragraph after it that is not.
    inner, *rest = re.split(r"\n\n(?=\S)", body, maxsplit=1)
    inner = textwrap.dedent(inner)
    if title in LISTS:
        inner = re.sub(r"^(\*{0,2}\w[\w., ]*):(?=\s)", r"- `\1`:", inner, flags=re.M)
        inner = re.sub(r"^    ", "  ", inner, flags=re.M)
    return "\n\n".join([f"**{title}**", inner.strip(), *map(_prose, rest)])


def _prose(text: str) -> str:
    """Return text with its examples of the interpreter as code."""
    return re.sub(r"(?:^>>> .*\n?)+", _fenced, text, flags=re.MULTILINE).strip()


def _fenced(found: re.Match[str]) -> str:
    code: Iterable[str] = (line[4:] for line in found[0].splitlines())
    return "```python\n" + "\n".join(code) + "\n```\n"


if __name__ == "__main__":
    PAGE.write_text(page())
