"""The published nets themselves (tables 1 and 2)."""

from keras_alexnet.reproduction.arm import Arm
from keras_alexnet.reproduction.experiment import (
    Experiment,
    Finding,
    Finished,
    every_seed,
    values,
)
from keras_alexnet.reproduction.run import BEST_ERROR, TEN_VIEWS

# Centre and ten views: the logs of layers-145.cfg and the paper. That of the centre in
# 2012 is of the same net with another schedule (layers-170).
_PUBLISHED = {
    "released-2012": ("about 42.3", "40.7"),
    "released-2010": ("39.0, test", "37.5, test"),
    "paper": ("", "40.7"),
}
_ARMS = (
    Arm("released-2012", "released", {"schedule": "released-2012"}),
    Arm("released-2010", "released", {"schedule": "released-2010"}),
    Arm("paper", "paper"),
)


def _compare(finished: Finished) -> list[Finding]:
    lines = []
    for name, published in _PUBLISHED.items():
        for figure, each in zip((BEST_ERROR, TEN_VIEWS), published, strict=True):
            found = values(finished, name, figure)
            lines.append(Finding(f"{name}: {figure}", each, found))
    return lines


IMAGENET = Experiment(
    "imagenet",
    "One net has 40.7 % top-1 and 18.2 % top-5 error on the validation pictures of "
    "ILSVRC-2012 (table 2), 37.5 and 17.0 % on the test pictures of 2010 (table 1).",
    "ILSVRC-2012 or -2010 at 256 pixels",
    every_seed(_ARMS),
    _compare,
    classes=1000,
    note="91 epochs of 10,009 steps of 128 pictures, with the schedules of the logs.",
)
