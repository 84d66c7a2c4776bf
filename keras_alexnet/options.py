"""Options of a verb that are arguments of a function, declared and explained there."""

import dataclasses
import inspect
from collections.abc import Callable
from typing import Annotated, Any, get_type_hints

import docstring_parser
import tyro


def options_of(own: type, *functions: Callable[..., Any], **types: Any) -> type:
    """Make a dataclass for `tyro.cli` of functions' arguments and a verb's own options.

    Args:
        own: Dataclass of the verb's own options; its docstring describes the verb.
        functions: Each argument becomes an option with its default, and with its text
            in the docstring as help. `progress` does not, and none that `own` has.
        types: By argument, what the command line takes in place of its type; None
            leaves it out.
    """
    taken = {field.name for field in dataclasses.fields(own)} | {"progress"}
    fields: list[tuple[str, Any, Any]] = []
    for function in functions:
        hints = get_type_hints(function)
        parsed = docstring_parser.parse(function.__doc__ or "")
        told = {entry.arg_name: entry.description for entry in parsed.params}
        for name, parameter in inspect.signature(function).parameters.items():
            kind = types.get(name, hints.get(name))
            if name in taken or kind is None:
                continue
            default = parameter.default
            field = dataclasses.field() if default is parameter.empty else default
            help_text = tyro.conf.arg(help=told[name])
            fields.append((name, Annotated[kind, help_text], field))
    return dataclasses.make_dataclass(
        own.__name__,
        fields,
        bases=(own,),
        namespace={"__doc__": own.__doc__},
        frozen=True,
        kw_only=True,
    )


def arguments_of(function: Callable[..., Any], options: Any) -> dict[str, Any]:
    """Return those of the options that are arguments of a function."""
    names = inspect.signature(function).parameters
    return {name: getattr(options, name) for name in names if hasattr(options, name)}
