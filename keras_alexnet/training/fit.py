"""One training run, from a dataset folder to a run folder, through `model.fit`."""

import sys
from pathlib import Path

import keras

from keras_alexnet.data import eval_dataset, train_dataset
from keras_alexnet.training import allocator
from keras_alexnet.training.callbacks import (
    NanGuard,
    PlainLines,
    RateLog,
    Scalars,
    TrainState,
)
from keras_alexnet.training.checkpoint import restore_newest
from keras_alexnet.training.config import TrainConfig
from keras_alexnet.training.metrics import TopKError
from keras_alexnet.training.optimizer import CoupledSGD
from keras_alexnet.training.plateau import Plateau
from keras_alexnet.training.run_folder import CHECKPOINTS, build_model, create_run
from tfrecords import Manifest
from tfrecords.errors import DatasetError


def train(config: TrainConfig, run: Path | str, *, resume: bool = False) -> TrainState:
    """Train until the last plateau or the last epoch.

    Args:
        config: What to train on what.
        run: A new folder, or with `resume` one of an earlier run.
        resume: Go on from the newest checkpoint of the run.

    Returns:
        The final state; its `history` has one row an epoch.

    Raises:
        DatasetError: Dataset or run folder are not as expected, the network does not
            fit the checkpoint, or the loss is not a number.
    """
    run = Path(run)
    if not resume:
        config = create_run(run, config)
    elif config != TrainConfig.load(run):
        config.save(run)
    allocator.keep_freed_memory()
    model = compile_model(config)
    preset = config.resolve()
    steps = Manifest.load(config.data).count("train") // preset.batch_size
    plateau = Plateau(patience=config.patience, reductions=config.reductions)
    state = TrainState(run, config, plateau)
    first_epoch = _restore(run, model, state) if resume else 0
    if plateau.finished or first_epoch >= config.epochs:
        print(f"Nothing to do: {run} has finished {first_epoch} epochs.")
        return state
    terminal = sys.stdout.isatty()
    lines = [] if terminal else [PlainLines(steps, config.epochs, preset.batch_size)]
    model.fit(
        _training_stream(config, first_epoch),
        validation_data=eval_dataset(
            config.data,
            split=validation_split(config.data),
            batch_size=preset.batch_size,
            input_size=preset.input_size,
            mean=config.mean,
        ),
        initial_epoch=first_epoch,
        epochs=config.epochs,
        steps_per_epoch=steps,
        callbacks=[NanGuard(), RateLog(), plateau, *lines, Scalars(run), state],
        shuffle=False,  # the stream is shuffled
        verbose=1 if terminal else 0,
    )
    return state


def compile_model(config: TrainConfig) -> keras.Model:
    """Build the network of a run with optimizer, loss and metrics, ready for `fit`."""
    preset = config.resolve()
    model = build_model(config, dtype=config.precision)
    optimizer: keras.optimizers.Optimizer = CoupledSGD(
        preset.learning_rate,
        momentum=config.momentum,
        decay=config.decay,
        bias_rate=preset.bias_rate,
    )
    if config.precision == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(model.trainable_variables)
    model.compile(
        optimizer,
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[TopKError(1, name="error"), TopKError(5, name="top5_error")],
        jit_compile=False,  # XLA on CPUs is some three times slower here
    )
    return model


def validation_split(data: Path | str) -> str:
    """Return the split that training watches: `validation`, else `test`."""
    manifest = Manifest.load(data)
    for split in ("validation", "test"):
        if manifest.count(split):
            return split
    raise DatasetError(
        f"Expected a validation or test split in {data}, found "
        f"{', '.join(manifest.splits)}. Build with --validation-fraction above 0."
    )


def _restore(run: Path, model: keras.Model, state: TrainState) -> int:
    saved = restore_newest(run / CHECKPOINTS, model)
    if saved is None:
        return 0
    state.set_model(model)
    state.plateau.set_model(model)
    state.load(saved)
    return len(state.history)


def _training_stream(config: TrainConfig, first_epoch: int):
    preset = config.resolve()
    return train_dataset(
        config.data,
        batch_size=preset.batch_size,
        input_size=preset.input_size,
        epochs=config.epochs,
        first_epoch=first_epoch,
        seed=config.seed,
        flip=config.flip,
        colour_noise=preset.colour_noise,
        crop_chunk=config.crop_chunk,
        mean=config.mean,
    )
