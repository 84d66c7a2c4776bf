"""Which batch the memory of a run's devices holds, said where one was too large."""

from dataclasses import dataclass

from keras_alexnet.device_memory import memory_text
from keras_alexnet.models.layer_table import CHANNELS, layer_table
from keras_alexnet.models.memory import WIDE, NetworkMemory, training_memory
from keras_alexnet.presets import AnyPreset, Preset, find_preset
from keras_alexnet.towers.crossings import crossing_bytes
from keras_alexnet.training.devices.plan import DevicePlan
from tfrecords.errors import UserError

# Of a device's memory; the rest is for what arithmetic does not know: workspaces of
# convolutions, gaps between tensors, batches under way. On CPUs, steps of 32 to 384
# images took 0.77 to 1.08 of the estimate (peak of the process less its imports).
USABLE = 0.8
# Of the estimate; less no step took: 0.48 to 0.79 on a GPU of 141 GB, where XLA keeps
# fewer tensors (results/gpu/h200.json).
SURELY_NEEDED = 0.4


@dataclass(frozen=True)
class BatchLimit:
    """The largest global batch for the devices of a plan, from arithmetic.

    Attributes:
        name: Network and arithmetic, in words.
        batch_size: The batch that is asked for.
        replicas: Among which it is divided.
        memory: What one device needs for its part.
    """

    name: str
    batch_size: int
    replicas: int
    memory: NetworkMemory

    @classmethod
    def of(cls, preset: AnyPreset, num_classes: int, plan: DevicePlan) -> "BatchLimit":
        """Return the limit of a training of this network on these devices."""
        recipe = preset.recipe
        memory = training_memory(preset, num_classes)
        if plan.towers:
            shared = plan.strategy is not None  # then weights of both are on the first
            memory = _tower_memory(find_preset(preset), num_classes, memory, shared)
        name = f"{preset.name} in {recipe.precision}"
        return cls(name, recipe.batch_size, plan.replicas, memory)

    def images(self, available: int) -> int:
        """Return how many images fit, on all replicas, in so many bytes of each."""
        return self.memory.images(USABLE * available) * self.replicas

    def batch(self, available: int) -> int:
        """Return a batch that fits: a power of two on each replica; 0 if there is none.

        It is smaller than the one that is asked for, which did not fit.
        """
        part = min(self.images(available), self.batch_size - 1) // self.replicas
        return self.replicas * (1 << part.bit_length() >> 1)

    def check(self, device: str, available: int | None) -> None:
        """Refuse a batch that surely does not fit, before XLA tries it for minutes.

        Args:
            device: Whose memory it is.
            available: As in `explain`.

        Raises:
            UserError: By estimate it needs more than twice of what there is.
        """
        each = self.batch_size // self.replicas
        needed = SURELY_NEEDED * (self.memory.fixed + each * self.memory.image)
        if available is not None and needed > available:
            raise UserError(self.explain(device, available))

    def explain(self, device: str, available: int | None) -> str:
        """Return what to say where the batch did not fit.

        Args:
            device: Whose memory was at its end.
            available: Bytes that TensorFlow may take of it, if it says.
        """
        each = self.batch_size // self.replicas
        parts = f", {each} on each replica," if self.replicas > 1 else ""
        fixed, image = self.memory.fixed / 1e9, self.memory.image / 1e6
        said = (
            f"A batch of {self.batch_size}{parts} does not fit in "
            f"{memory_text(device, available)}: by estimate {self.name} takes "
            f"{fixed:.2f} GB, and {image:.1f} MB an image."
        )
        if available is None:
            smaller = self.replicas * max(1, each // 2)
            return f"{said} Try --batch-size {smaller} in a new run."
        images, batch = self.images(available), self.batch(available)
        if not batch:
            return (
                f"{said} Not one image fits: take a device with more memory, or more "
                f"of this one, if another program holds it{_listed(device)}."
            )
        if images >= self.batch_size:
            return (
                f"{said} That is less: another program may hold memory of it"
                f"{_listed(device)}. If none does, try --batch-size {batch} in a new "
                "run."
            )
        return (
            f"{said} About {images} would: --batch-size {batch} in a new run. To keep "
            "the batch, divide it among more devices with --strategy mirrored; with "
            "--resume a run goes on there."
        )


def _listed(device: str) -> str:
    return " (nvidia-smi lists them)" if device.startswith("GPU") else ""


def _tower_memory(
    preset: Preset, num_classes: int, whole: NetworkMemory, all_weights: bool
) -> NetworkMemory:
    """Return what the first tower's device needs: half, and what is not divided."""
    logits = layer_table(preset, num_classes)["fc8"].parameters
    # The picture in uint8, less its mean, and padded; both halves of what is exchanged.
    picture = preset.input_size**2 * CHANNELS * (1 + 2 * WIDE)
    exchanged = crossing_bytes(preset, 1, preset.recipe.precision)
    fixed = whole.fixed if all_weights else (whole.fixed + 3 * WIDE * logits) // 2
    return NetworkMemory(fixed, whole.image // 2 + picture + exchanged)
