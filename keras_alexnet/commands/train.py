"""`alexnet train DATA RUN`."""

import contextlib
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import tyro

from keras_alexnet.trained.config_file import PLATEAU_ONLY, TrainConfig
from keras_alexnet.training.devices.plan import DevicePlan, StrategyName, plan_devices
from keras_alexnet.training.update.scheduled_rates import ScheduleName
from tfrecords import Manifest
from tfrecords.errors import DatasetError
from tfrecords.plain_text import say

# May differ from the run that is resumed: whoever watches the curve may change when the
# rate drops and when the run ends, as the authors did by hand (section 5).
FREE_ON_RESUME = (
    *("epochs", "patience", "reductions", "min_delta"),
    *("keep", "save_every", "save_minutes"),
)
# Where the run lies, and what it computes on this time.
NOT_OF_THE_RUN = {"run", "resume", "strategy", "towers", "devices", "logical_devices"}


@dataclass(frozen=True)
class TrainOptions:
    """Train a network on a dataset folder; everything goes to a run folder.

    The learning rate is divided by 10 at each plateau of the validation error; after
    the last drop the next plateau ends the training. Or it follows the schedule of one
    of the nets of 2012. Ctrl-C, SIGTERM and SIGHUP save and stop; --resume goes on at
    the next batch, with the same result as if nothing had happened.
    """

    data: tyro.conf.Positional[Path]
    """Dataset folder made by `alexnet build`."""
    run: tyro.conf.Positional[Path]
    """New folder for the run."""
    preset: str = "released"
    """released, paper, caffe_alexnet, caffenet, one_weird_trick or one_gpu."""
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"] = "auto"
    """Arithmetic; weights are always float32. auto: mixed_bfloat16 on GPUs of compute
    capability 8.0 and up and on CPUs with AVX512-BF16 or AMX-BF16, else float32; what
    comes of it is said and kept by the run."""
    xla: bool = False
    """Compile the step with XLA: one device only. Some three times slower on CPUs, and
    not timed on GPUs. Its dropout masks are others, and so are the last bits."""
    epochs: int | None = None
    """Passes over the training split, at most; None: 90, or the schedule's own."""
    batch_size: int | None = None
    """Images in a step; None: the preset's, 128 in the paper."""
    learning_rate: float | None = None
    """Initial rate; None: the preset's, 0.01 in the paper."""
    schedule: ScheduleName = "plateau"
    """plateau, or as run: drops after epochs 25, 51, 79 of 91 (released-2012) or 23,
    51, 78 of 93 (released-2010), conv1 slowed and frozen, colour noise off near the
    end. Fewer --epochs leave the rest out; with more, the last rates go on."""
    patience: int = 5
    """Epochs without a better validation error before the rate drops."""
    reductions: int = 3
    """Number of drops by 10."""
    min_delta: float = 1.0
    """Standard errors of the validation error by which an epoch has to be better than
    the best to count as better; 0 takes any."""
    input_size: int | None = None
    """Side of the crops in pixels; None: the preset's, 224 or 227."""
    flip: bool = True
    """Mirror half of the training pictures; wrong for writing."""
    colour_noise: Literal["preset", "released", "eigenvalue", "none"] = "preset"
    """Form of the PCA colour noise."""
    crop_chunk: int = 1
    """Neighbours that share one crop and flip; 32 as it was run in 2012."""
    mean: Literal["image", "channel"] = "image"
    """Subtract the mean image or the mean colour."""
    activation: Literal["preset", "relu", "tanh"] = "preset"
    """Non-linearity."""
    pooling: Literal["preset", "overlapping", "non_overlapping"] = "preset"
    """3 x 3 windows or 2 x 2, both with stride 2."""
    lrn: bool = True
    """Keep the preset's normalisations; --no-lrn leaves all out."""
    dropout: Literal["preset", "original", "inverted", "none"] = "preset"
    """Form of the dropout."""
    seed: int = 0
    """Initial weights, order, crops, colours, dropout."""
    keep: int = 2
    """Checkpoints kept."""
    save_every: int | None = None
    """Steps between checkpoints within an epoch, beside the one at its end."""
    save_minutes: float | None = None
    """Minutes between checkpoints within an epoch."""
    strategy: StrategyName = "none"
    """none: one device. towers: half of the network on each of two. mirrored: a replica
    on each. multiworker: replicas in several processes, as TF_CONFIG or Slurm says."""
    towers: bool = False
    """Two towers in each replica of mirrored (devices in pairs) or multiworker."""
    devices: str | None = None
    """Such as GPU:0,GPU:1; None: all GPUs."""
    logical_devices: int | None = None
    """Split the CPU into so many devices, to try a strategy out without GPUs."""
    resume: bool = False
    """Go on with the run from its newest checkpoint, on these or other devices."""

    def plan(self) -> DevicePlan:
        """Take the devices; to be called before anything else uses TensorFlow."""
        return plan_devices(
            self.strategy,
            towers=self.towers,
            devices=None if self.devices is None else self.devices.split(","),
            logical_devices=self.logical_devices,
        )

    def config(self) -> TrainConfig:
        """Return the options as a configuration."""
        overrides: dict[str, Any] = {}
        if self.input_size is not None:
            overrides["input_size"] = self.input_size
        if not self.lrn:
            overrides["lrn"] = False
        for name in ("colour_noise", "activation", "pooling", "dropout"):
            value = getattr(self, name)
            if value != "preset":
                overrides[name] = None if value == "none" else value
        own = {field.name for field in dataclasses.fields(TrainConfig)}
        common = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name in own
        }
        return TrainConfig(**{**common, "data": str(self.data)}, overrides=overrides)


def main(arguments: Sequence[str]) -> int:
    """Train and print where the result is."""
    options = tyro.cli(TrainOptions, args=arguments, prog="alexnet train")
    typed = _typed(arguments, options)
    config = _resumed(options, typed) if options.resume else options.config()
    _check_plateau(typed, config)
    plan = options.plan()
    from keras_alexnet.training.fit import train
    from keras_alexnet.training.state.progress import best_row
    from keras_alexnet.training.state.stopping import Stopped

    try:
        state = train(config, options.run, resume=options.resume, plan=plan)
    except Stopped as stop:
        with contextlib.suppress(OSError):  # the terminal may be gone
            say(f"alexnet train: {stop}", error=True)
        return stop.status
    history = state.history
    if history and plan.is_chief:
        best = best_row(history)
        say(
            f"Best validation error {best['val_error']:.2%} (top-5 "
            f"{best['val_top5_error']:.2%}) after epoch {best['epoch']} of "
            f"{len(history)}. Run folder: {options.run}"
        )
        print(_about_test(options), end="")
    return 0


def _about_test(options: TrainOptions) -> str:
    """Say what became of a test split."""
    manifest = Manifest.load(options.data, check=False)
    if not manifest.count("test"):
        return ""
    if not manifest.count("validation"):
        return (
            "There is no validation split: these are errors of the test split, which "
            "chose the best epoch.\n"
        )
    return (
        "The test split was not looked at. Its errors: "
        f"alexnet evaluate {options.run} {options.data} --split test\n"
    )


def _typed(arguments: Sequence[str], parsed: TrainOptions) -> set[str]:
    """Return the names of the options that were typed, in whatever spelling.

    Parsed again with other defaults, what was typed is all that comes out the same.
    """
    hints = get_type_hints(TrainOptions)
    others: dict[str, Any] = {
        field.name: tyro.MISSING
        if field.default is dataclasses.MISSING
        else _another(hints[field.name], field.default)
        for field in dataclasses.fields(TrainOptions)
    }
    again = tyro.cli(TrainOptions, args=arguments, default=TrainOptions(**others))
    # As text, in which nan equals nan.
    return {n for n in others if str(getattr(parsed, n)) == str(getattr(again, n))}


def _another(kind: Any, value: Any) -> Any:
    """Return a value of an option's type that is not `value`."""
    if type(None) in get_args(kind):
        kind = get_args(kind)[0]
    if get_origin(kind) is Literal:
        return next(choice for choice in get_args(kind) if choice != value)
    if kind is bool:
        return not value
    return kind(1) if value is None else value + kind(1)


def _check_plateau(typed: set[str], config: TrainConfig) -> None:
    """Refuse what a schedule would ignore, also where it is the default."""
    for name in PLATEAU_ONLY:
        if name in typed and config.schedule != "plateau":
            raise DatasetError(
                f"Expected no {name} with schedule {config.schedule}: its drops are at "
                f"fixed epochs. Leave {_spelling(name)} out."
            )


def _resumed(options: TrainOptions, typed: set[str]) -> TrainConfig:
    """Return the run's own configuration; options that were typed must agree."""
    saved = TrainConfig.load(options.run)
    preset = options.preset if "preset" in typed else saved.preset
    asked = dataclasses.replace(options, preset=preset).config()
    changes: dict[str, Any] = {"data": str(options.data)}
    for name in sorted(typed - {"data"} - NOT_OF_THE_RUN):
        wish, was = _value(asked, name), _value(saved, name)
        if wish == "auto":
            continue  # the run keeps what that came to when it was started
        if name in FREE_ON_RESUME:
            changes[name] = getattr(asked, name)
        elif wish != was:
            raise DatasetError(
                f"Cannot change {name} of a run: {options.run} was started with "
                f"{was!r}, got {wish!r}. Leave {_spelling(name)} out, or start a new "
                "run."
            )
    return dataclasses.replace(saved, **changes)


def _value(config: TrainConfig, option: str) -> Any:
    """Return what an option amounts to in a run, its preset's own value filled in."""
    preset = config.resolve()
    if option == "lrn":
        return preset.lrn is not None
    return getattr(preset if hasattr(preset, option) else config, option)


def _spelling(name: str) -> str:
    return f"--{name.replace('_', '-')}"
