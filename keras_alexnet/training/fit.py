"""One training run, from a dataset folder to a run folder, through `model.fit`."""

import dataclasses
import functools
import math
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TypeAlias

import keras
import tensorflow as tf

from keras_alexnet.data import eval_dataset, train_dataset
from keras_alexnet.trained.config_file import TrainConfig
from keras_alexnet.trained.folder import (
    CHECKPOINTS,
    claim_run,
    create_run,
    with_dataset_facts,
)
from keras_alexnet.training import allocator
from keras_alexnet.training.callbacks import NanGuard, PlainLines, RateLog, Scalars
from keras_alexnet.training.compile import model_for_dataset
from keras_alexnet.training.devices.plan import ONE_DEVICE, DevicePlan
from keras_alexnet.training.devices.precision import choose_precision
from keras_alexnet.training.run_dataset import (
    check_dataset,
    check_pictures,
    check_training_split,
    validation_split,
)
from keras_alexnet.training.state.checkpoint import newest_checkpoint
from keras_alexnet.training.state.progress import TrainState
from keras_alexnet.training.state.stopping import Interrupts
from keras_alexnet.training.update.plateau import Plateau
from keras_alexnet.training.update.scheduled_rates import SCHEDULES, ScheduledRates
from tfrecords import Manifest
from tfrecords.plain_text import say

Batches: TypeAlias = tf.data.Dataset | tf.distribute.DistributedDataset
Validation: TypeAlias = tuple[Batches, int]  # and its number of steps


def train(
    config: TrainConfig,
    run: Path | str,
    *,
    resume: bool = False,
    plan: DevicePlan = ONE_DEVICE,
) -> TrainState:
    """Train until the last plateau, the end of the schedule or the last epoch.

    Args:
        config: What to train on what.
        run: A new folder, or with `resume` one of an earlier run.
        resume: Go on from the newest checkpoint of the run, whatever its devices were.
        plan: The devices, of `plan_devices`. Each worker calls this with the same
            arguments and sees the same folders; the chief alone writes.

    Returns:
        The final state; its `history` has one row an epoch.

    Raises:
        DatasetError: Dataset or run folder are not as expected or do not fit each
            other, another process trains in the folder, the network does not fit the
            checkpoint, the loss is not a number, or the last state could not be saved.
        ValueError: The batch does not divide by the replicas, or XLA is asked for on
            several devices.
        Stopped: Ctrl-C, SIGTERM or SIGHUP; the state is saved.
    """
    run = Path(run)
    plan.check_batch(config.resolve().batch_size)
    plan.check_xla(config.xla)
    check_pictures(config)
    left_open = resume and config.precision == "auto"
    own = TrainConfig.load(run).precision if left_open else None
    chosen = choose_precision(config.precision, plan, own)
    config = dataclasses.replace(config, precision=chosen.precision)
    # The chief alone writes.
    held = claim_run(run, make=not resume) if plan.is_chief else nullcontext()
    with held:
        config = _open_run(config, run, resume, plan.is_chief)
        if plan.is_chief:
            chosen.say()
        return _train(config, run, resume, plan)


def _train(
    config: TrainConfig, run: Path, resume: bool, plan: DevicePlan
) -> TrainState:
    allocator.keep_freed_memory()
    model = model_for_dataset(config, plan)
    batch_size = config.resolve().batch_size
    steps = Manifest.load(config.data).count("train") // batch_size
    state = _prepare_state(model, run, config, steps)
    if resume:
        _restore(state)
    if state.finished:
        say(f"Nothing to do: {run} has finished {state.epoch} epochs.")
        return state
    _say_what_the_schedule_does(config)
    with state.interrupts, state:
        _fit(model, config, state, plan)
    return state


def _open_run(
    config: TrainConfig, run: Path, resume: bool, is_chief: bool
) -> TrainConfig:
    """Return the configuration with the facts of the dataset; the chief writes it."""
    if not resume:
        return create_run(run, config) if is_chief else with_dataset_facts(config)
    check_dataset(run, config.data)
    check_training_split(run, config.data)
    config = with_dataset_facts(config)
    if is_chief and config != TrainConfig.load(run):
        config.save(run)
    return config


def _prepare_state(
    model: keras.Model, run: Path, config: TrainConfig, steps: int
) -> TrainState:
    plateau = None
    if SCHEDULES[config.schedule] is None:
        plateau = Plateau(
            patience=config.patience,
            reductions=config.reductions,
            min_delta=config.min_delta,
            pictures=Manifest.load(config.data).count(validation_split(config.data)),
        )
        plateau.set_model(model)
    state = TrainState(run, config, steps, RateLog(), plateau, Interrupts())
    state.set_model(model)
    return state


def _restore(state: TrainState) -> None:
    saved = newest_checkpoint(state.run / CHECKPOINTS)
    if saved is not None:
        state.load(saved)


def _say_what_the_schedule_does(config: TrainConfig) -> None:
    schedule = SCHEDULES[config.schedule]
    if schedule is None or config.last_epoch == schedule.stop:
        return
    rest = (
        f"what it does later than epoch {config.last_epoch} is left out"
        if config.last_epoch < schedule.stop
        else "the last rates go on to the end"
    )
    print(
        f"Schedule {config.schedule} is made for {schedule.stop} epochs, this run has "
        f"{config.last_epoch}: {rest}."
    )


def _fit(
    model: keras.Model, config: TrainConfig, state: TrainState, plan: DevicePlan
) -> None:
    """Finish the epoch that was interrupted, then train the others."""
    first, done = state.epoch, state.step
    callbacks = _callbacks(config, state, plan.is_chief)
    validation = _validation(config, plan)
    if done == state.steps:
        _finish_epoch(model, validation, state, callbacks)
    elif done:
        _fit_epochs(model, config, state, plan, callbacks, validation, first + 1)
    if not state.finished:
        last = config.last_epoch
        _fit_epochs(model, config, state, plan, callbacks, validation, last)


def _fit_epochs(
    model: keras.Model,
    config: TrainConfig,
    state: TrainState,
    plan: DevicePlan,
    callbacks: list[keras.callbacks.Callback],
    validation: Validation,
    last: int,
) -> None:
    """Call `fit` from where the state is, up to an epoch."""
    bar = plan.is_chief and _shows_a_bar()
    model.fit(
        _training_stream(config, plan, state.epoch, state.step, last),
        validation_data=validation[0],
        validation_steps=validation[1],
        initial_epoch=state.epoch,
        epochs=last,
        steps_per_epoch=state.steps - state.step,
        callbacks=callbacks,
        shuffle=False,  # the stream is shuffled
        verbose=1 if bar else 0,
    )


def _shows_a_bar() -> bool:
    """Whether standard output is a terminal that has the characters of Keras' bar."""
    stream = sys.stdout
    encoding = getattr(stream, "encoding", None) or ""
    return stream is not None and stream.isatty() and encoding.lower()[:3] == "utf"


def _finish_epoch(
    model: keras.Model,
    validation: Validation,
    state: TrainState,
    callbacks: list[keras.callbacks.Callback],
) -> None:
    """Validate an epoch whose steps an earlier process took."""
    epoch, logs = state.epoch, dict(state.training_logs or {})
    every = keras.callbacks.CallbackList(callbacks, model=model)
    every.on_train_begin()
    every.on_epoch_begin(epoch)
    figures = model.evaluate(
        validation[0], steps=validation[1], verbose=0, return_dict=True
    )
    logs.update({f"val_{name}": value for name, value in figures.items()})
    model.stop_training = False
    every.on_epoch_end(epoch, logs)


def _callbacks(
    config: TrainConfig, state: TrainState, is_chief: bool
) -> list[keras.callbacks.Callback]:
    preset = config.resolve()
    first_steps = {state.epoch: state.step}
    callbacks = [NanGuard(first_steps), state.clock]
    schedule = SCHEDULES[config.schedule]
    if schedule is not None:
        rates = (preset.learning_rate, preset.bias_rate)
        callbacks.append(ScheduledRates(schedule, *rates))
    elif state.plateau is not None:
        callbacks.append(state.plateau)
    if not is_chief:
        return [*callbacks, state]
    if not _shows_a_bar():
        sizes = (state.steps, config.last_epoch, preset.batch_size)
        callbacks.append(PlainLines(*sizes, first_steps))
    return [*callbacks, Scalars(state.run), state]


def _validation(config: TrainConfig, plan: DevicePlan) -> Validation:
    """Return the pictures that training watches, and their number of batches."""
    preset = config.resolve()
    split = validation_split(config.data)
    make = functools.partial(
        eval_dataset,
        config.data,
        split=split,
        batch_size=preset.batch_size,
        input_size=preset.input_size,
        mean=config.mean,
        normalized=False,
    )
    count = Manifest.load(config.data).count(split)
    return plan.distribute(make), math.ceil(count / preset.batch_size)


def _training_stream(
    config: TrainConfig, plan: DevicePlan, epoch: int, step: int, last: int
) -> Batches:
    preset = config.resolve()
    schedule = SCHEDULES[config.schedule]
    make = functools.partial(
        train_dataset,
        config.data,
        batch_size=preset.batch_size,
        input_size=preset.input_size,
        epochs=last,
        first_epoch=epoch,
        first_step=step,
        seed=config.seed,
        flip=config.flip,
        colour_noise=preset.colour_noise,
        colour_epochs=None if schedule is None else schedule.colour_off,
        crop_chunk=config.crop_chunk,
        mean=config.mean,
        normalized=False,
    )
    return plan.distribute(make)
