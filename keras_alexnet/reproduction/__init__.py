"""The paper's experiments, measured: a file a table of the paper."""

from typing import TYPE_CHECKING

from keras_alexnet.registry import Registry

if TYPE_CHECKING:
    from keras_alexnet.reproduction.experiment import Experiment

_HERE = "keras_alexnet.reproduction"

EXPERIMENTS: Registry["Experiment"] = Registry(
    "experiment",
    {
        "relu": f"{_HERE}.relu:RELU",
        "cifar-80sec": f"{_HERE}.small_nets:CIFAR_80SEC",
        "cifar-18pct": f"{_HERE}.small_nets:CIFAR_18PCT",
        "cifar-13pct": f"{_HERE}.small_nets:CIFAR_13PCT",
        "cifar-11pct": f"{_HERE}.small_nets:CIFAR_11PCT",
        "lenet5": f"{_HERE}.small_nets:LENET5",
        "lenet5-1998": f"{_HERE}.small_nets:LENET5_1998",
        "lrn": f"{_HERE}.small_nets:LRN_18PCT",
        "lrn-11pct": f"{_HERE}.small_nets:LRN_11PCT",
        "lrn-full": f"{_HERE}.ablations:LRN_FULL",
        "norm": f"{_HERE}.ablations:NORM",
        "overlap": f"{_HERE}.ablations:OVERLAP",
        "dropout": f"{_HERE}.ablations:DROPOUT",
        "augmentation": f"{_HERE}.ablations:AUGMENTATION",
        "towers": f"{_HERE}.ablations:TOWERS",
        "init": f"{_HERE}.ablations:INIT",
        "presets": f"{_HERE}.ablations:PRESET_ERRORS",
        "ensemble": f"{_HERE}.ensemble:ENSEMBLE",
        "specialisation": f"{_HERE}.specialisation:SPECIALISATION",
        "imagenette": f"{_HERE}.imagenette:IMAGENETTE",
        "imagenet": f"{_HERE}.imagenet:IMAGENET",
    },
)
