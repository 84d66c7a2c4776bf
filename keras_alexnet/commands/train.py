"""`alexnet train DATA RUN`."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tyro

from keras_alexnet.training.config import TrainConfig
from tfrecords.errors import DatasetError

# May differ from the run that is resumed: whoever watches the curve may change when the
# rate drops and when the run ends, as the authors did by hand (section 5).
FREE_ON_RESUME = ("epochs", "patience", "reductions", "keep")


@dataclass(frozen=True)
class TrainOptions:
    """Train a network on a dataset folder; everything goes to a run folder.

    The learning rate is divided by 10 at each plateau of the validation error; after
    the last drop the next plateau ends the training. Interrupted runs go on with
    --resume.
    """

    data: tyro.conf.Positional[Path]
    """Dataset folder made by `alexnet build`."""
    run: tyro.conf.Positional[Path]
    """New folder for the run."""
    preset: str = "released"
    """released, paper, caffe_alexnet, caffenet, one_weird_trick or one_gpu."""
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    """Arithmetic; weights are float32 in all three."""
    epochs: int = 90
    """Passes over the training split, at most."""
    batch_size: int | None = None
    """Images in a step; None: the preset's, 128 in the paper."""
    learning_rate: float | None = None
    """Initial rate; None: the preset's, 0.01 in the paper."""
    patience: int = 5
    """Epochs without a better validation error before the rate drops."""
    reductions: int = 3
    """Number of drops by 10."""
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
    resume: bool = False
    """Go on with the run from its newest checkpoint."""

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
    config = options.config()
    if options.resume:
        config = _resumed(config, options)
    from keras_alexnet.training.fit import train

    history = train(config, options.run, resume=options.resume).history
    if history:
        best = min(history, key=lambda row: row["val_error"])
        print(
            f"Best validation error {best['val_error']:.2%} (top-5 "
            f"{best['val_top5_error']:.2%}) after epoch {best['epoch']} of "
            f"{len(history)}. Run folder: {options.run}"
        )
    return 0


def _resumed(asked: TrainConfig, options: TrainOptions) -> TrainConfig:
    """Return the run's own configuration; options that are given must agree."""
    saved = TrainConfig.load(options.run)
    usual = TrainOptions(options.data, options.run).config()
    changes = {}
    for field in dataclasses.fields(saved):
        wish, was = getattr(asked, field.name), getattr(saved, field.name)
        if wish in (was, getattr(usual, field.name)) and field.name != "data":
            continue
        if field.name in (*FREE_ON_RESUME, "data"):
            changes[field.name] = wish
        else:
            raise DatasetError(
                f"Cannot change {field.name} of a run: {options.run} was started with "
                f"{was!r}, got {wish!r}. Leave the option out, or start a new run."
            )
    return dataclasses.replace(saved, **changes)
