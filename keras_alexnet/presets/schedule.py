"""The learning-rate schedules as they were run, epoch by epoch, as pure data."""

from dataclasses import dataclass
from typing import Literal

ScheduleName = Literal["plateau", "steps", "released-2012", "released-2010"]
PAPER_EPOCHS = 90  # "roughly 90 cycles"; section 5
FACTOR = 10  # of every drop; section 5
SLOWED = 1e-3  # conv1's rate over the initial one: 0.00001 from 0.01
FIRST = "conv1"  # the layer that is slowed and frozen


@dataclass(frozen=True)
class Schedule:
    """Epochs at which a run's settings change, by its log or as one says.

    A number n means: once n epochs are finished. All rates are in proportion to the
    initial one, 0.01 in the logs, and to the bias rate, twice that.

    Attributes:
        drops: The rate of all weights is divided by 10.
        stop: The run ends.
        slowed: The rate of conv1's weights becomes 1/1000 of the initial one; None:
            never, as for the two that follow.
        frozen: conv1 stays as it is: weights, biases and their velocities. The release
            skips the update where a rate is 0.
        colour_off: No more colour noise.
        bias_drops: Number of drops that the rate of biases has part in; None: all.

    In 2012 that rate was divided by 10 at the first drop and then left alone: so the
    parameter files of the four-GPU run show it step by step (layer-params-120-4gpu*),
    and that of 2010 at its end. That of 2012 ends with 0.02; its log does not say
    whether the rate was ever lowered. For the nets of CIFAR-10 all rates dropped.
    """

    drops: tuple[int, ...]
    stop: int
    slowed: int | None = None
    frozen: int | None = None
    colour_off: int | None = None
    bias_drops: int | None = None

    def weight_rate(self, epoch: int) -> float:
        """Return the rate of weights over the initial rate, in epoch 0, 1, ..."""
        return _dropped(epoch, self.drops)

    def rate(self, epoch: int, layer: str, kind: str) -> float:
        """Return the rate of a layer's `kernel` or `bias` over its initial rate.

        Args:
            epoch: Number of finished epochs.
            layer: Name of a layer of `alexnet()`, such as `conv1`.
            kind: `bias`, or anything else for weights.
        """
        if layer == FIRST and _is_past(epoch, self.frozen):
            return 0.0
        if kind == "bias":
            return _dropped(epoch, self.drops[: self.bias_drops])
        if layer == FIRST and _is_past(epoch, self.slowed):
            return SLOWED
        return self.weight_rate(epoch)


def _dropped(epoch: int, drops: tuple[int, ...]) -> float:
    return 1 / FACTOR ** sum(epoch >= drop for drop in drops)


def _is_past(epoch: int, change: int | None) -> bool:
    return change is not None and epoch >= change


# Of the logs, by name.
SCHEDULES: dict[str, Schedule] = {
    # The log at the end of layer-params-145.cfg: the net of the paper's Table 2.
    "released-2012": Schedule(
        drops=(25, 51, 79),  # "set epsw to 0.001 from 0.01", 0.0001, 0.00001
        slowed=67,  # "set epsw to 0.00001 from 0.0001 on conv1"
        frozen=72,  # "set epsw to 0 on conv1"; the file's epsB of conv1 is 0 too
        colour_off=67,  # "set color noise to 0 from 0.1"
        stop=91,  # "killed"
        bias_drops=1,
    ),
    # The log at the end of layer-params-145-2010.cfg: the net of Table 1.
    "released-2010": Schedule(
        drops=(23, 51, 78), slowed=68, frozen=72, colour_off=68, stop=93, bias_drops=1
    ),
}
