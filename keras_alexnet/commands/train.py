"""`alexnet train DATA RUN`, made of the fields of recipe, control and network."""

import contextlib
import dataclasses
from collections.abc import Sequence
from typing import Annotated, Any, Literal, get_args, get_type_hints

import docstring_parser
import tyro

from keras_alexnet.presets import (
    PRESETS,
    SMALL_PRESETS,
    AnyPreset,
    Recipe,
    named_preset,
)
from keras_alexnet.presets.recipe import FREE, PLATEAU_ONLY
from keras_alexnet.trained.config_file import read_config
from keras_alexnet.training.control import Control
from tfrecords import Manifest
from tfrecords.errors import UserError
from tfrecords.plain_text import say

ABOUT = """Train a network on a dataset folder; everything goes to a run folder.

The learning rate is divided by 10 at each plateau of the validation error; after the
last drop the next plateau ends the training. Or it follows the schedule of one of the
nets of 2012. Ctrl-C, SIGTERM and SIGHUP save and stop; --resume goes on at the next
batch, with the same result as if nothing had happened."""
_NAMES = [*PRESETS, *SMALL_PRESETS]
PRESET_TEXT = f"{', '.join(_NAMES[:-1])} or {_NAMES[-1]}."
_SINGULAR = {"rates": "--rate", "decays": "--layer-decay"}
OWN = " None: the preset's."  # what the text of a number's option ends with


def main(arguments: Sequence[str]) -> int:
    """Train and print where the result is."""
    preset, control = settings(arguments)
    plan = control.plan()
    from keras_alexnet.training import fit
    from keras_alexnet.training.state.progress import best_row
    from keras_alexnet.training.state.stopping import Interrupted

    try:
        progress = fit.train(preset, control, plan=plan)
    except Interrupted as stop:
        with contextlib.suppress(OSError):  # the terminal may be gone
            say(f"alexnet train: {stop}", error=True)
        return stop.status
    history = progress.history
    if history and plan.is_chief:
        best = best_row(history)
        say(
            f"Best validation error {best['val_error']:.2%} (top-5 "
            f"{best['val_top5_error']:.2%}) after epoch {best['epoch']} of "
            f"{len(history)}. Run folder: {control.run}"
        )
        print(_about_test(control), end="")
    return 0


def settings(arguments: Sequence[str]) -> tuple[AnyPreset, Control]:
    """Return what was typed as a preset with its recipe, and a control.

    What was not typed is the preset's own, or with --resume that of the run.

    Raises:
        UserError: A value out of its range, an option that the schedule would ignore,
            or one that may not differ from the run that is resumed.
    """
    # From Python the arithmetic is the same everywhere, here the fastest.
    first = _parse(arguments, PRESETS["released"].replace(precision="auto"), {})
    if first.resume:
        saved = read_config(first.run)
        start, kept = saved.preset, {**(saved.control or {})}
        kept.pop("data", None)
    else:
        start, kept = _preset_of(first).replace(precision="auto"), {}
    options = _parse(arguments, start, kept)
    wishes = _wishes(options, start)
    if first.resume:
        wishes = _free_wishes(wishes, options, start)
    preset = start.replace(**wishes)
    if preset.recipe.schedule != "plateau":
        _refuse_plateaus(arguments, options, preset, start)
    names = [field.name for field in dataclasses.fields(Control)]
    return preset, Control(**{name: getattr(options, name) for name in names})


def _preset_of(options: Any) -> AnyPreset:
    """Return the preset that is named, or the network whose weights are begun with.

    Raises:
        UserError: Another preset is named than that of the weights.
    """
    if options.init is None:
        return named_preset(options.preset)
    config = read_config(options.init)
    preset = config.preset
    if options.preset not in (preset.name, PRESETS["released"].name):
        raise UserError(
            f"Expected --preset {preset.name}, which the weights of {options.init} "
            f"are of, got {options.preset}. Leave it out."
        )
    recipe = named_preset(preset.name).recipe if preset.name in _NAMES else Recipe()
    return dataclasses.replace(preset, recipe=recipe).replace(
        init=options.init, mean=config.preprocessing["mean"]
    )


def _parse(arguments: Sequence[str], start: AnyPreset, kept: dict[str, Any]) -> Any:
    """Parse with the values of a preset, and of a run's control, as defaults."""
    values = _values(start)
    fields = [
        *_fields_of(Control, [f.name for f in _required(Control)], {}),
        ("preset", _with_text(str, PRESET_TEXT), start.name),
        *_fields_of(Recipe, [f.name for f in dataclasses.fields(Recipe)], values),
        *_fields_of(type(start), list(start.network), values),
        *_fields_of(Control, [f.name for f in _optional(Control)], kept),
    ]
    kind = dataclasses.make_dataclass(
        "TrainOptions",
        [
            (name, option, *([] if default is dataclasses.MISSING else [default]))
            for name, option, default in fields
        ],
    )
    return tyro.cli(kind, args=arguments, prog="alexnet train", description=ABOUT)


def _fields_of(
    kind: type, names: Sequence[str], values: dict[str, Any]
) -> list[tuple[str, Any, Any]]:
    """Return name, type and default of the options that are fields of a class.

    A field without a text under it is no option.
    """
    hints, texts = get_type_hints(kind), _texts(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    options = []
    for name in names:
        if name not in texts:
            continue
        default = values.get(name, fields[name].default)
        if default is dataclasses.MISSING:
            positional: Any = tyro.conf.Positional
            option = positional[_with_text(hints[name], texts[name])]
        elif kind is Control:
            option = _with_text(hints[name], texts[name])
        else:
            about = (hints[name], default, texts[name])
            option, default = _preset_option(name, *about, kind)
        options.append((name, option, default))
    return options


def _preset_option(
    name: str, hint: Any, default: Any, text: str, kind: type
) -> tuple[Any, Any]:
    """Return type and default of an option that a preset has a value of its own for."""
    optional = type(None) in get_args(hint)
    choices = next((get_args(h) for h in (hint, *get_args(hint)) if _is_choice(h)), ())
    if hint == bool | None:  # --name and --no-name, or neither
        flag: Any = tyro.conf.DisallowNone
        shown = "(default: auto)" if default is None else None
        about = tyro.conf.arg(help=text, help_behavior_hint=shown)
        return Annotated[flag[hint], about], default
    if hint == tuple[str, ...]:  # --rate fc8=10 --rate fc7=2
        several: Any = tyro.conf.UseAppendAction
        about = tyro.conf.arg(help=text, aliases=(_SINGULAR[name],))
        return Annotated[several[hint], about], default
    if hint in (int, float):
        return _with_text(hint | None, text + OWN), default
    if choices and (optional or kind is not Recipe):
        every = ("preset", *choices, *(("none",) if optional else ()))
        default = "none" if default is None else default
        return _with_text(Literal[every], text), default
    if not choices and optional and hint not in (int | None, str | None):  # LRN
        return _with_text(bool, text), default is not None
    return _with_text(hint, text), default


def _is_choice(hint: Any) -> bool:
    return getattr(hint, "__origin__", None) is Literal


def _with_text(hint: Any, text: str) -> Any:
    return Annotated[hint, tyro.conf.arg(help=text)]


def _required(kind: type) -> list[dataclasses.Field]:
    return [f for f in dataclasses.fields(kind) if f.default is dataclasses.MISSING]


def _optional(kind: type) -> list[dataclasses.Field]:
    return [f for f in dataclasses.fields(kind) if f.default is not dataclasses.MISSING]


def _texts(kind: type) -> dict[str, str]:
    """Return the text under each field of a class that has one."""
    fields = docstring_parser.parse_from_object(kind).params
    return {
        field.arg_name: " ".join(str(field.description).split()) for field in fields
    }


def _values(preset: AnyPreset) -> dict[str, Any]:
    """Return every field of a network and its recipe by name."""
    return {**preset.network, **vars(preset.recipe)}


def _wishes(options: Any, start: AnyPreset) -> dict[str, Any]:
    """Return the fields of network and recipe that the options amount to."""
    name = options.preset
    own = _values(named_preset(name) if name in _NAMES or name != start.name else start)
    kinds = {**get_type_hints(type(start)), **get_type_hints(Recipe)}
    wishes = {}
    for name, was in _values(start).items():
        wish = getattr(options, name, was)
        if name == "lrn" and wish is not was:
            wish = (was or own[name]) if wish else None
        elif wish == "preset" or (wish is None and isinstance(was, int | float)):
            wish = own[name]
        elif wish == "none" and wish not in get_args(kinds[name]):  # a mean may be
            wish = None
        wishes[name] = wish
    return wishes


def _free_wishes(
    wishes: dict[str, Any], options: Any, start: AnyPreset
) -> dict[str, Any]:
    """Return the fields that may differ from the run; the others must not."""
    free = [f.name for f in dataclasses.fields(Recipe) if f.metadata == FREE]
    was = {**_values(start), "preset": start.name}
    asked = {**wishes, "preset": options.preset}
    for name in sorted({*was} - {*free}):
        wish, own = asked[name], was[name]
        if wish == "auto":
            continue  # the run keeps what that came to when it was started
        if name == "lrn":
            wish, own = wish is not None, own is not None
        if wish != own:
            raise UserError(
                f"Cannot change {name} of a run: {options.run} was started with "
                f"{own!r}, got {wish!r}. Leave {_spelling(name)} out, or start a new "
                "run."
            )
    return {name: wishes[name] for name in free}


def _refuse_plateaus(
    arguments: Sequence[str], options: Any, preset: AnyPreset, start: AnyPreset
) -> None:
    """Refuse what a schedule would ignore, also where it is the default."""
    others = {name: getattr(start.recipe, name) + 1 for name in PLATEAU_ONLY}
    plateaus = start.replace(schedule="plateau", drops=(), **others)
    again = _parse(arguments, plateaus, {})
    for name in PLATEAU_ONLY:
        # Parsed again with other defaults, what was typed comes out the same.
        if getattr(options, name) == getattr(again, name):
            raise UserError(
                f"Expected no {name} with schedule {preset.recipe.schedule}: its drops "
                f"are at fixed epochs. Leave {_spelling(name)} out."
            )


def _about_test(control: Control) -> str:
    """Say what became of a test split."""
    manifest = Manifest.load(control.data, check=False)
    if not manifest.count("test"):
        return ""
    if not manifest.count("validation"):
        return (
            "There is no validation split: these are errors of the test split, which "
            "chose the best epoch.\n"
        )
    return (
        "The test split was not looked at. Its errors: "
        f"alexnet evaluate {control.run} {control.data} --split test\n"
    )


def _spelling(name: str) -> str:
    return f"--{name.replace('_', '-')}"
