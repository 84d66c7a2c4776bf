"""From a dataset folder to a run folder: what a training is told, and started."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import tensorflow as tf

from keras_alexnet.data.shard_errors import shards_explained
from keras_alexnet.device_memory import device_bytes, memory_explained
from keras_alexnet.presets import AnyPreset, named_preset
from keras_alexnet.presets.recipe import Recipe
from keras_alexnet.trained.config_file import NetworkConfig, read_config, write_config
from keras_alexnet.trained.dataset_check import check_dataset
from keras_alexnet.trained.names import CONFIG_FILE
from keras_alexnet.training.control import Control
from keras_alexnet.training.devices.batch_limit import BatchLimit
from keras_alexnet.training.devices.plan import DevicePlan
from keras_alexnet.training.devices.precision import choose_precision
from keras_alexnet.training.devices.xla import choose_xla, say_xla
from keras_alexnet.training.initial_weights import InitialWeights
from keras_alexnet.training.read_run import choose_read_run
from keras_alexnet.training.run_dataset import RunDataset
from keras_alexnet.training.run_folder import create_run, hold_run
from keras_alexnet.training.state.progress import RunProgress
from keras_alexnet.training.training_run import TrainingRun
from tfrecords.errors import UserError


def train(
    preset: str | AnyPreset, control: Control, *, plan: DevicePlan | None = None
) -> RunProgress:
    """Train until the last plateau, the end of the schedule or the last epoch.

    Args:
        preset: Network and recipe, or the name of one of `PRESETS` or
            `SMALL_PRESETS`.
        control: Dataset, run folder, devices, and when to save. Its `run` is a new
            folder, or with `resume` one of an earlier run, which goes on from its
            newest checkpoint, whatever its devices were.
        plan: The devices; None takes those of `control`. Each worker calls this with
            the same arguments and sees the same folders; the chief alone writes.

    Returns:
        How far it came; its `history` has one row an epoch.

    Raises:
        UserError: Dataset or run folder are not as expected or do not fit each other,
            a run of an earlier release was not given another order, another process
            trains in the folder, the network does not fit the checkpoint, the loss is
            not a number, the batch does not divide by the replicas, XLA is to compile
            towers, steps are to be taken in groups under a strategy, features are to be
            computed once on several devices or beside a cache of pictures, the batch
            does not fit in the memory of a device, a shard is lost, or the last state
            could not be saved.
        Interrupted: Ctrl-C, SIGTERM or SIGHUP; the state is saved.
    """
    preset = named_preset(preset)
    _check_order(preset.recipe, control)
    plan = control.plan() if plan is None else plan
    if preset.recipe.cache_features:
        _check_features(control, plan)
    plan.check_batch(preset.recipe.batch_size)
    group = control.group_size(plan)
    if preset.recipe.deterministic:
        tf.config.experimental.enable_op_determinism()
    dataset = RunDataset.read(control.data)
    dataset.check_fits(preset)
    initial = _initial_weights(preset.recipe, control)
    own = _own_recipe(control)
    own_precision, own_xla = (own.precision, own.xla) if own else (None, None)
    chosen = choose_precision(preset.recipe.precision, plan, own_precision)
    xla = choose_xla(preset.recipe, plan, own_xla)
    read_run = preset.recipe.read_run or choose_read_run(dataset, plan)
    preset = preset.replace(precision=chosen.precision, xla=xla, read_run=read_run)
    limit = BatchLimit.of(preset, dataset.manifest.num_classes, plan)
    limit.check(plan.devices[0], device_bytes(plan.devices[0]))
    held: AbstractContextManager[None] = nullcontext()  # the chief alone writes
    if plan.is_chief:
        held = hold_run(control.run, make=not control.resume)
    with held:
        _open_run(preset, control, dataset, initial, plan.is_chief)
        if plan.is_chief:
            chosen.say()
            say_xla(xla, plan, own_xla)
        with _explained(plan.devices[0], limit, control.data):
            return TrainingRun(preset, control, dataset, plan, group, initial).run()


@contextmanager
def _explained(device: str, limit: BatchLimit, data: Path) -> Iterator[None]:
    with (
        memory_explained(device, limit.explain),
        shards_explained(data, "Then go on with --resume."),
    ):
        yield


def _check_order(recipe: Recipe, control: Control) -> None:
    """Refuse to change the order of a run of an earlier release unasked."""
    if recipe.shuffle is None:
        raise UserError(
            f"Expected a run whose order is drawn by index, found {control.run} of an "
            "earlier release, which drew it through a buffer. Go on, from its next "
            "epoch, with --resume --shuffle index."
        )


def _check_features(control: Control, plan: DevicePlan) -> None:
    """Refuse what has no place beside features that are computed once."""
    if plan.strategy is not None or plan.towers:
        raise UserError(
            "Expected one device with --cache-features, got several. Leave --strategy "
            "out: what is left to compute is little."
        )
    if control.cache:
        raise UserError(
            "Expected --cache or --cache-features, got both. Leave --cache out: "
            "pictures are decoded once without it."
        )


def _initial_weights(recipe: Recipe, control: Control) -> InitialWeights | None:
    """Read what a new run begins with, if that is a network."""
    if recipe.init is None or control.resume:
        return None
    initial = InitialWeights.read(recipe.init)
    if initial.preprocessing["mean"] != recipe.mean:
        raise UserError(
            f"Expected --mean {initial.preprocessing['mean']}, which the weights of "
            f"{recipe.init} need, got {recipe.mean}. Leave it out."
        )
    return initial


def _own_recipe(control: Control) -> Recipe | None:
    """Return the recipe of the run that is resumed, if there is one."""
    if not control.resume or not (control.run / CONFIG_FILE).exists():
        return None
    return read_config(control.run).preset.recipe


def _open_run(
    preset: AnyPreset,
    control: Control,
    dataset: RunDataset,
    initial: InitialWeights | None,
    is_chief: bool,
) -> None:
    """Make the run folder, or look whether the dataset is that of the run."""
    config = NetworkConfig(preset, dataset.preprocessing(preset), control.kept)
    if not control.resume:
        if is_chief:
            create_run(
                control.run, config, None if initial is None else initial.statistics
            )
        return
    check_dataset(control.run, control.data, dataset.manifest)
    dataset.check_is_of(control.run)
    if is_chief and config != read_config(control.run):
        write_config(control.run, config)
