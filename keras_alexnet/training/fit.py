"""One training run, from a dataset folder to a run folder, through `model.fit`."""

import functools
import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import keras
import tensorflow as tf

from keras_alexnet.data.mean import mean_patch
from keras_alexnet.data.picture_cache import PictureCache
from keras_alexnet.device_memory import memory_explained
from keras_alexnet.presets import Preset, find_preset
from keras_alexnet.presets.recipe import Recipe
from keras_alexnet.presets.schedule import SCHEDULES
from keras_alexnet.trained.config_file import NetworkConfig, read_config, write_config
from keras_alexnet.trained.dataset_check import check_dataset
from keras_alexnet.trained.names import CHECKPOINTS, CONFIG_FILE
from keras_alexnet.training.callbacks import (
    EpochLog,
    StopAtNan,
    TensorBoardScalars,
)
from keras_alexnet.training.compile import compile_network
from keras_alexnet.training.control import Control
from keras_alexnet.training.devices.batch_limit import BatchLimit
from keras_alexnet.training.devices.plan import DevicePlan
from keras_alexnet.training.devices.precision import choose_precision
from keras_alexnet.training.devices.xla import choose_xla, say_xla
from keras_alexnet.training.progress_report import ProgressBar, ProgressLines
from keras_alexnet.training.run_dataset import RunDataset
from keras_alexnet.training.run_folder import create_run, hold_run, save_best
from keras_alexnet.training.state.checkpoint import newest_checkpoint
from keras_alexnet.training.state.progress import RunProgress
from keras_alexnet.training.state.saving import Saving
from keras_alexnet.training.state.stopping import Signals
from keras_alexnet.training.streams import (
    Validation,
    training_cache,
    training_stream,
    validation_stream,
)
from keras_alexnet.training.update.plateau import Plateau
from keras_alexnet.training.update.scheduled_rates import ScheduledRates
from tfrecords.plain_text import say


def train(
    preset: str | Preset, control: Control, *, plan: DevicePlan | None = None
) -> RunProgress:
    """Train until the last plateau, the end of the schedule or the last epoch.

    Args:
        preset: Network and recipe, or the name of one of `PRESETS`.
        control: Dataset, run folder, devices, and when to save. Its `run` is a new
            folder, or with `resume` one of an earlier run, which goes on from its
            newest checkpoint, whatever its devices were.
        plan: The devices; None takes those of `control`. Each worker calls this with
            the same arguments and sees the same folders; the chief alone writes.

    Returns:
        How far it came; its `history` has one row an epoch.

    Raises:
        UserError: Dataset or run folder are not as expected or do not fit each other,
            another process trains in the folder, the network does not fit the
            checkpoint, the loss is not a number, the batch does not divide by the
            replicas, XLA is to compile towers, steps are to be taken in groups under a
            strategy, the batch does not fit in the memory of a device, or the last
            state could not be saved.
        Interrupted: Ctrl-C, SIGTERM or SIGHUP; the state is saved.
    """
    preset = find_preset(preset)
    plan = control.plan() if plan is None else plan
    plan.check_batch(preset.recipe.batch_size)
    group = control.group_size(plan)
    if preset.recipe.deterministic:
        tf.config.experimental.enable_op_determinism()
    dataset = RunDataset.read(control.data)
    dataset.check_fits(preset)
    own = _own_recipe(control)
    own_precision, own_xla = (own.precision, own.xla) if own else (None, None)
    chosen = choose_precision(preset.recipe.precision, plan, own_precision)
    xla = choose_xla(preset.recipe, plan, own_xla)
    preset = preset.replace(precision=chosen.precision, xla=xla)
    held: AbstractContextManager[None] = nullcontext()  # the chief alone writes
    if plan.is_chief:
        held = hold_run(control.run, make=not control.resume)
    with held:
        _open_run(preset, control, dataset, plan.is_chief)
        if plan.is_chief:
            chosen.say()
            say_xla(xla, plan, own_xla)
        limit = BatchLimit.of(preset, dataset.manifest.num_classes, plan)
        with memory_explained(plan.devices[0], limit.explain):
            return _Training(preset, control, dataset, plan, group).run()


def _own_recipe(control: Control) -> Recipe | None:
    """Return the recipe of the run that is resumed, if there is one."""
    if not control.resume or not (control.run / CONFIG_FILE).exists():
        return None
    return read_config(control.run).preset.recipe


def _open_run(
    preset: Preset, control: Control, dataset: RunDataset, is_chief: bool
) -> None:
    """Make the run folder, or look whether the dataset is that of the run."""
    config = NetworkConfig(preset, dataset.preprocessing(preset), control.kept)
    if not control.resume:
        if is_chief:
            create_run(control.run, config)
        return
    check_dataset(control.run, control.data, dataset.manifest)
    dataset.check_is_of(control.run)
    if is_chief and config != read_config(control.run):
        write_config(control.run, config)


@dataclass
class _Training:
    """A run whose folder is open."""

    preset: Preset
    control: Control
    dataset: RunDataset
    plan: DevicePlan
    group: int  # steps that are taken at once
    cache: PictureCache | None = None

    def __post_init__(self) -> None:
        size, recipe = self.preset.input_size, self.preset.recipe
        mean = mean_patch(self.dataset.statistics, size, recipe.mean)
        self.classes = self.dataset.manifest.num_classes
        self.model = compile_network(self.preset, self.classes, self.plan, mean)
        steps = self.dataset.manifest.count("train") // recipe.batch_size
        self.progress = RunProgress(steps, recipe.last_epoch, model=self.model)
        if self.group > 1 or self.plan.on_gpus:
            self.model.group_steps(self.group, self._ends_a_group)
        self.plateau = self._plateau()
        self.saving = self._saving()

    def run(self) -> RunProgress:
        """Take up the newest checkpoint, if there is one, and train to the end."""
        saved = newest_checkpoint(self.control.run / CHECKPOINTS)
        if self.control.resume and saved is not None:
            self.saving.restore(saved)
        if self.progress.finished:
            say(
                f"Nothing to do: {self.control.run} has finished "
                f"{self.progress.epoch} epochs."
            )
            return self.progress
        _say_what_the_schedule_does(self.preset.recipe)
        if self.control.cache:  # before signals wait for the end of a step
            self.cache = training_cache(self.preset, self.dataset)
        with self.saving.signals, self.saving:
            self._fit()
        return self.progress

    def _ends_a_group(self) -> bool:
        """Whether an epoch or what is saved ends with the step after those taken."""
        every = self.control.save_every
        if self.progress.step + 1 == self.progress.steps:
            return True
        return every is not None and (self.progress.steps_taken + 1) % every == 0

    def _plateau(self) -> Plateau | None:
        """Return what drops the rate; None where a schedule does."""
        recipe = self.preset.recipe
        if SCHEDULES[recipe.schedule] is not None:
            return None
        plateau = Plateau(
            patience=recipe.patience,
            reductions=recipe.reductions,
            min_delta=recipe.min_delta,
            pictures=self.dataset.manifest.count(self.dataset.validation_split),
        )
        plateau.set_model(self.model)
        return plateau

    def _saving(self) -> Saving:
        control = self.control
        saving = Saving(
            self.progress,
            control.run,
            functools.partial(save_best, control.run, self.preset, self.classes),
            clock=EpochLog(),
            signals=Signals(),
            plateau=self.plateau,
            keep=control.keep,
            every=control.save_every,
            minutes=control.save_minutes,
        )
        saving.set_model(self.model)
        return saving

    def _fit(self) -> None:
        """Finish the epoch that was interrupted, then train the others."""
        first, done = self.progress.epoch, self.progress.step
        callbacks = self._callbacks()
        validation = validation_stream(self.preset, self.dataset, self.plan)
        if done == self.progress.steps:
            self._finish_epoch(callbacks, validation)
        elif done:
            self._fit_epochs(callbacks, validation, first + 1)
        if not self.progress.finished:
            self._fit_epochs(callbacks, validation, self.progress.last_epoch)

    def _fit_epochs(
        self,
        callbacks: list[keras.callbacks.Callback],
        validation: Validation,
        last: int,
    ) -> None:
        """Call `fit` from where the run is, up to an epoch."""
        epoch, step = self.progress.epoch, self.progress.step
        self.model.fit(
            training_stream(
                self.preset,
                self.dataset,
                self.plan,
                epoch=epoch,
                step=step,
                last=last,
                cache=self.cache,
            ),
            validation_data=validation[0],
            validation_steps=validation[1],
            initial_epoch=epoch,
            epochs=last,
            steps_per_epoch=self.progress.steps - step,
            callbacks=callbacks,
            shuffle=False,  # the stream is shuffled
            verbose=0,
        )

    def _finish_epoch(
        self, callbacks: list[keras.callbacks.Callback], validation: Validation
    ) -> None:
        """Validate an epoch whose steps an earlier process took."""
        epoch, logs = self.progress.epoch, dict(self.progress.training_logs or {})
        every = keras.callbacks.CallbackList(callbacks, model=self.model)
        every.on_train_begin()
        every.on_epoch_begin(epoch)
        figures = self.model.evaluate(
            validation[0], steps=validation[1], verbose=0, return_dict=True
        )
        logs.update({f"val_{name}": value for name, value in figures.items()})
        self.model.stop_training = False
        every.on_epoch_end(epoch, logs)

    def _callbacks(self) -> list[keras.callbacks.Callback]:
        progress, recipe = self.progress, self.preset.recipe
        first_steps = {progress.epoch: progress.step}
        callbacks = [StopAtNan(first_steps), self.saving.clock]
        schedule = SCHEDULES[recipe.schedule]
        if schedule is not None:
            rates = (recipe.learning_rate, recipe.bias_rate)
            callbacks.append(ScheduledRates(schedule, *rates))
        if self.plateau is not None:
            callbacks.append(self.plateau)
        if not self.plan.is_chief:
            return [*callbacks, self.saving]
        shown = ProgressBar if sys.stdout and sys.stdout.isatty() else ProgressLines
        report = shown(
            *(progress.steps, progress.last_epoch, recipe.batch_size, first_steps),
            compiled=self.model.uses_xla,
            loop=self.model.step_loop,
            idle="GPU" if self.plan.on_gpus else None,
        )
        scalars = TensorBoardScalars(self.control.run)
        return [*callbacks, report, scalars, self.saving]


def _say_what_the_schedule_does(recipe: Recipe) -> None:
    schedule = SCHEDULES[recipe.schedule]
    if schedule is None or recipe.last_epoch == schedule.stop:
        return
    rest = (
        f"what it does later than epoch {recipe.last_epoch} is left out"
        if recipe.last_epoch < schedule.stop
        else "the last rates go on to the end"
    )
    print(
        f"Schedule {recipe.schedule} is made for {schedule.stop} epochs, this run has "
        f"{recipe.last_epoch}: {rest}."
    )
