"""Whether XLA compiles the training step, where a run leaves it open."""

from keras_alexnet.presets.recipe import Recipe
from keras_alexnet.training.devices.plan import DevicePlan
from tfrecords.errors import UserError
from tfrecords.plain_text import say, warn


def choose_xla(recipe: Recipe, plan: DevicePlan, own: bool | None = None) -> bool:
    """Return whether to compile the step.

    On a GPU a compiled step takes less than half the time (NVIDIA H200, preset `paper`:
    16,510 images/s for 7,185), on CPUs some three times as long.

    Args:
        recipe: Its `xla` says; None is GPUs yes, CPUs no.
        plan: The devices.
        own: Of the run that is resumed. It has the place of None.

    Raises:
        UserError: It is asked for with towers, or with `deterministic` on GPUs, and not
            by the run itself, which may go on in towers.
    """
    reason = ""
    if plan.towers:
        reason = "towers, got --xla: what XLA compiles is on one device"
    elif recipe.deterministic and plan.on_gpus:
        # "HLO instruction select-and-scatter does not have a deterministic
        # implementation": tensorflow issue 69417.
        reason = (
            "--deterministic on a GPU, got --xla: XLA has no such gradient of pools"
        )
    if reason and recipe.xla and not own:
        raise UserError(f"Expected --no-xla with {reason}. Leave it out.")
    if reason:
        return False
    chosen = (each for each in (recipe.xla, own) if each is not None)
    return next(chosen, plan.on_gpus)


def say_xla(compiled: bool, plan: DevicePlan, own: bool | None = None) -> None:
    """Print one line where the choice is not what a reader would expect."""
    if compiled and plan.on_gpus:
        say("The training step is compiled by XLA; --no-xla switches it off.")
    elif compiled:
        warn("XLA makes a training step slower on a CPU, not faster.")
    elif own:
        warn(
            "XLA cannot compile towers, as it did this run: the last bits will differ."
        )
    elif plan.towers and plan.on_gpus:
        say("The training step is not compiled: XLA compiles for one device.")
