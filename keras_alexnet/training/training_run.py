"""One training run through `model.fit`, begun or taken up where it was."""

import functools
import sys
from dataclasses import dataclass, field

import keras

from keras_alexnet.data.feature_cache import FeatureCache
from keras_alexnet.data.mean import load_statistics, mean_patch
from keras_alexnet.data.picture_cache import PictureCache
from keras_alexnet.presets import AnyPreset
from keras_alexnet.trained.names import CHECKPOINTS
from keras_alexnet.training.callbacks import (
    EpochLog,
    StopAtNan,
    TensorBoardScalars,
)
from keras_alexnet.training.compile import compile_network
from keras_alexnet.training.control import Control
from keras_alexnet.training.devices.plan import DevicePlan
from keras_alexnet.training.frozen_trunk import cache_features
from keras_alexnet.training.initial_weights import InitialWeights
from keras_alexnet.training.progress_report import ProgressBar, ProgressLines
from keras_alexnet.training.run_dataset import RunDataset
from keras_alexnet.training.run_folder import save_best
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
from keras_alexnet.training.update.class_weights import balanced_weights, say_weights
from keras_alexnet.training.update.plateau import Plateau
from keras_alexnet.training.update.scheduled_rates import ScheduledRates, say_schedule
from tfrecords import Statistics
from tfrecords.plain_text import say


@dataclass
class TrainingRun:
    """A run whose folder is open: its network, where it is, and how it goes on.

    Attributes:
        preset: Network and recipe, every value chosen.
        control: As `train` takes it.
        dataset: What it learns from.
        plan: The devices.
        group: Steps that are taken in one call.
        initial: The weights that it begins with, if they are those of a network.
        cache: The decoded training pictures, once they are.
        features: By split, what the frozen layers make of its pictures, once they do.
    """

    preset: AnyPreset
    control: Control
    dataset: RunDataset
    plan: DevicePlan
    group: int
    initial: InitialWeights | None
    cache: PictureCache | None = None
    features: dict[str, FeatureCache] = field(default_factory=dict)

    def __post_init__(self) -> None:
        size, recipe = self.preset.input_size, self.preset.recipe
        mean = mean_patch(self._statistics(), size, recipe.mean)
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
        recipe = self.preset.recipe
        if self.control.resume and saved is not None:
            self.saving.restore(saved)
            if saved.step and "order" not in saved.state:
                self._leave_epoch()
        elif recipe.init is not None:
            self._begin_with(self.initial or InitialWeights.read(recipe.init))
        if self.progress.finished:
            say(
                f"Nothing to do: {self.control.run} has finished "
                f"{self.progress.epoch} epochs."
            )
            return self.progress
        say_schedule(recipe)
        if recipe.class_weights is not None:
            self._weigh_classes()
        if self.control.cache:  # before signals wait for the end of a step
            self.cache = training_cache(self.preset, self.dataset)
        if recipe.cache_features:
            places = (self.dataset, self.control.run)
            self.features = cache_features(self.model, self.preset, *places)
        with self.saving.signals, self.saving:
            self._fit()
        return self.progress

    def _leave_epoch(self) -> None:
        """End an epoch here that was begun in the order of earlier releases."""
        progress = self.progress
        if progress.step < progress.steps:
            say(
                f"Epoch {progress.epoch + 1} ends after step {progress.step} of "
                f"{progress.steps}: the rest of its order is gone."
            )
            progress.step = progress.steps
            progress.training_logs = self.saving.training_logs()

    def _statistics(self) -> Statistics:
        """Return those whose mean is subtracted: of the weights, where they came so."""
        if self.initial is not None:
            return self.initial.statistics
        if self.control.resume:
            return load_statistics(self.control.run)
        return self.dataset.statistics

    def _begin_with(self, initial: InitialWeights) -> None:
        labels = self.dataset.manifest.labels
        kept = initial.give(self.model, labels, self.preset)
        if self.plan.is_chief:
            initial.say(kept, labels, self.preset.head)

    def _weigh_classes(self) -> None:
        manifest = self.dataset.manifest
        counts = manifest.class_counts["train"]
        self.model.class_weights = balanced_weights(counts)
        if self.plan.is_chief:
            say_weights(counts, manifest.labels)

    def _ends_a_group(self) -> bool:
        """Whether an epoch or what is saved ends with the step after those taken."""
        every = self.control.save_every
        if self.progress.step + 1 == self.progress.steps:
            return True
        return every is not None and (self.progress.steps_taken + 1) % every == 0

    def _plateau(self) -> Plateau | None:
        """Return what drops the rate; None where a schedule does."""
        recipe = self.preset.recipe
        if recipe.fixed_schedule is not None:
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
        watched = self.features.get(self.dataset.validation_split)
        validation = validation_stream(self.preset, self.dataset, self.plan, watched)
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
                features=self.features.get("train"),
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
        schedule = recipe.fixed_schedule
        if schedule is not None:
            rates = (recipe.learning_rate, recipe.bias_rate, self.preset.layer_rate)
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
