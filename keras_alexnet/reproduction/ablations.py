"""What parts of network and recipe are worth, on photos (sections 3 to 5)."""

from collections.abc import Sequence
from typing import Any

from keras_alexnet.presets import PRESETS
from keras_alexnet.presets.recipe import Recipe
from keras_alexnet.reproduction.arm import Arm
from keras_alexnet.reproduction.experiment import (
    Experiment,
    Finished,
    Outcome,
    differences,
    every_seed,
    values,
)
from keras_alexnet.reproduction.run import (
    EPOCHS_TO_25,
    LAST_ERROR,
    TEN_VIEWS,
    TRAINING_ERROR,
)

_PICTURES = "Imagenette"
_NOTE = (
    "All arms have the same epochs, and their rates drop after the same. The paper's "
    "figures are of 1.2 million photos of 1,000 classes."
)
BASE = Arm("released", "released")


def _against(
    name: str,
    claim: str,
    arms: Sequence[tuple[Arm, str]],
    *more: tuple[str, str, str],
) -> Experiment:
    """Compare each arm with `released`, as far as its errors go.

    Args:
        name: Of the experiment.
        claim: What the paper says.
        arms: Those beside `released`, each with the paper's figure for how much worse
            it is.
        more: Other figures that are shown of all arms: what it is, in words, the name
            of the figure, its unit.
    """
    everything = [BASE, *(arm for arm, _ in arms)]

    def compare(finished: Finished) -> list[Outcome]:
        lines = []
        for arm in everything:
            for figure in (LAST_ERROR, TEN_VIEWS):
                found = values(finished, arm.name, figure)
                lines.append(Outcome(f"{arm.name}: {figure}", "", found))
            for words, figure, unit in more:
                found = values(finished, arm.name, figure)
                lines.append(Outcome(f"{arm.name}: {words}", "", found, unit))
        for arm, published in arms:
            found = differences(finished, arm.name, BASE.name, LAST_ERROR)
            name = f"{arm.name} less {BASE.name}, centre view"
            lines.append(Outcome(name, published, found, "points"))
        return lines

    return Experiment(
        name,
        claim,
        _PICTURES,
        every_seed(everything),
        compare,
        seeds=2,
        fixed_drops=True,
        note=_NOTE,
    )


LRN_FULL = _against(
    "lrn-full",
    "Response normalisation takes 1.4 points off the top-1 error (section 3.3; its "
    "pair of nets lacks the in-map norm too).",
    [(Arm("released-no-lrn", "released", {"lrn": None}), "1.4")],
)
NORM = _against(
    "norm",
    "The net as it was run has a normalisation over places after the second, of which "
    "the paper does not speak (layers-145.cfg).",
    [
        (
            Arm(
                "released-no-in-map",
                "released",
                {"block2": ("activation", "lrn", "pool")},
            ),
            "not published",
        )
    ],
)
OVERLAP = _against(
    "overlap",
    "Overlapping pools take 0.4 points off the top-1 error (section 3.4).",
    [
        (
            Arm(
                "released-non-overlapping",
                "released",
                {"pooling": "non_overlapping"},
            ),
            "0.4",
        )
    ],
)
# In training dropout leaves what it keeps as it is, so without it fc7 and fc8 see twice
# as much, and learn four times as fast. Half the weights and a quarter of the rate make
# the same function of it, and the same steps.
_AS_LARGE = {
    "weight_std": (*PRESETS["released"].weight_std[:6], 0.005, 0.005),
    "rates": ("fc7=0.25", "fc8=0.25"),
    "decays": ("fc7=0.002", "fc8=0.002"),
}
DROPOUT = _against(
    "dropout",
    "Without dropout the net overfits substantially; dropout about doubles the "
    "iterations to converge (section 4.2).",
    [
        (Arm("released-no-dropout", "released", {"dropout": None}), "substantial"),
        (
            Arm(
                "released-no-dropout-as-large",
                "released",
                {"dropout": None, **_AS_LARGE},
            ),
            "substantial",
        ),
    ],
    ("epochs to 25 % training error", EPOCHS_TO_25, "epochs"),
    ("training error of the last epoch", TRAINING_ERROR, "%"),
)
AUGMENTATION = _against(
    "augmentation",
    "Without crops and flips the net overfits substantially; the colour noise takes "
    "more than 1 point off the top-1 error (section 4.1).",
    [
        (Arm("released-no-colour", "released", {"colour_noise": None}), "above 1"),
        (
            Arm(
                "released-no-augmentation",
                "released",
                {"random_crop": False, "flip": False, "colour_noise": None},
            ),
            "substantial",
        ),
    ],
    ("training error of the last epoch", TRAINING_ERROR, "%"),
)
TOWERS = _against(
    "towers",
    "Two towers have 1.7 points less top-1 error than a net of half as many kernels on "
    "one GPU (section 3.2).",
    [(Arm("one_gpu", "one_gpu"), "1.7")],
)

_PAPER, _RUN = PRESETS["paper"], PRESETS["released"]
# What differs between the net as printed and as run, one at a time from the printed.
_DIFFERENCES: dict[str, dict[str, Any]] = {
    "weights": {"weight_std": _RUN.weight_std},
    "bias-rate": {"bias_rate": _RUN.recipe.bias_rate},
    "lrn-first": {"block1": _RUN.block1},
    "lrn-alpha": {"lrn": _RUN.lrn},
    "in-map": {"block2": _RUN.block2},
    "colour": {"colour_noise": _RUN.recipe.colour_noise},
}
INIT = _against(
    "init",
    "As printed all weights begin with a deviation of 0.01 (section 5); as run those "
    "of conv3 to conv5 have 0.03, and more differs: which of it makes the net start?",
    [
        (Arm("paper", "paper"), "not published"),
        *(
            (Arm(f"paper-{name}", "paper", fields), "not published")
            for name, fields in _DIFFERENCES.items()
        ),
        (
            Arm(
                "released-paper-weights",
                "released",
                {"weight_std": _PAPER.weight_std},
            ),
            "not published",
        ),
    ],
    ("training error of the last epoch", TRAINING_ERROR, "%"),
)

# All have the batch and the rate of the paper.
_SAME = {"batch_size": Recipe().batch_size, "learning_rate": Recipe().learning_rate}
PRESET_ERRORS = _against(
    "presets",
    "The nets that are called AlexNet, trained alike.",
    [
        (Arm(name, name, {} if name in ("paper", "one_gpu") else _SAME), "")
        for name in PRESETS
        if name != "released"
    ],
)
