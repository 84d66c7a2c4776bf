"""What a training run is told that its weights do not depend on, but for rounding."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_alexnet.presets.recipe import FREE
from keras_alexnet.training.devices import StrategyName
from tfrecords.addresses import dataset_folder
from tfrecords.errors import UserError
from tfrecords.files import local_path
from tfrecords.ranges import check_count, check_number

if TYPE_CHECKING:
    from keras_alexnet.training.devices.plan import DevicePlan

# Metadata of a field that is said anew each time: where the run lies, and what it
# computes on this time. The run folder does not keep it.
ANEW = {"on_resume": "anew"}
LEAST_LIMIT = 0.1  # GB; the smallest network of eight layers takes more


@dataclass(frozen=True)
class Control:
    """Where a run reads, writes and computes; the text under a field is an option's."""

    data: Path = dataclasses.field(metadata=FREE)
    """Dataset folder made by `alexnet build`, or its address, such as gs://bucket/data."""
    run: Path = dataclasses.field(metadata=ANEW)
    """New folder for the run."""
    strategy: StrategyName = dataclasses.field(default="none", metadata=ANEW)
    """none: one device. towers: half of the network on each of two. mirrored: a replica
    on each. multiworker: replicas in several processes, as TF_CONFIG or Slurm says."""
    towers: bool = dataclasses.field(default=False, metadata=ANEW)
    """Two towers in each replica of mirrored (devices in pairs) or multiworker."""
    devices: str | None = dataclasses.field(default=None, metadata=ANEW)
    """Such as GPU:0,GPU:1; None: all GPUs."""
    logical_devices: int | None = dataclasses.field(default=None, metadata=ANEW)
    """Split the CPU into so many devices, to try a strategy out without GPUs."""
    steps_per_execution: int | None = dataclasses.field(default=None, metadata=ANEW)
    """Steps that one call takes, without a strategy; None: 8 on a GPU, else 1."""
    memory_limit: float | None = dataclasses.field(default=None, metadata=ANEW)
    """GB (1e9 bytes) to take of each GPU, at once; None: as much as is needed, little
    by little."""
    cache: bool = dataclasses.field(default=False, metadata=ANEW)
    """Decode the training pictures once and hold them in memory, if they fit; the
    result is the same to the bit."""
    keep: int = dataclasses.field(default=2, metadata=FREE)
    """Checkpoints kept."""
    save_every: int | None = dataclasses.field(default=None, metadata=FREE)
    """Steps between checkpoints within an epoch, beside the one at its end."""
    save_minutes: float | None = dataclasses.field(default=None, metadata=FREE)
    """Minutes between checkpoints within an epoch."""
    resume: bool = dataclasses.field(default=False, metadata=ANEW)
    """Go on with the run from its newest checkpoint, on these or other devices."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "data", dataset_folder(self.data))
        object.__setattr__(self, "run", local_path(self.run))
        check_count("steps_per_execution", self.steps_per_execution)
        check_count("keep", self.keep)
        check_count("save_every", self.save_every)
        check_number("save_minutes", self.save_minutes, above=0)
        check_number("memory_limit", self.memory_limit, least=LEAST_LIMIT)

    @property
    def kept(self) -> dict[str, Any]:
        """What the run folder keeps of it, ready for JSON."""
        fields = dataclasses.fields(self)
        kept = [field.name for field in fields if field.metadata != ANEW]
        return {name: getattr(self, name) for name in kept} | {"data": str(self.data)}

    def plan(self) -> "DevicePlan":
        """Take the devices; to be called before anything else uses TensorFlow.

        Raises:
            UserError: As `plan_devices`.
        """
        from keras_alexnet.training.devices.plan import plan_devices

        return plan_devices(
            self.strategy,
            towers=self.towers,
            devices=None if self.devices is None else self.devices.split(","),
            logical_devices=self.logical_devices,
            memory_limit=self.memory_limit,
        )

    def group_size(self, plan: "DevicePlan") -> int:
        """Return the steps that one call takes.

        Raises:
            UserError: More than one are asked for under a strategy.
        """
        size = self.steps_per_execution
        if plan.strategy is not None:
            if size not in (None, 1):
                raise UserError(
                    f"Expected one step an execution with --strategy {self.strategy}, "
                    f"got {size}. Leave --steps-per-execution out."
                )
        return size or plan.group_size
