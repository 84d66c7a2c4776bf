"""The pictures that a run is most surely wrong about, and what speaks for its guess."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_alexnet.data.records import open_split
from keras_alexnet.evaluation.class_lookup import ClassLookup
from keras_alexnet.evaluation.worst import WorstError, worst_errors
from keras_alexnet.figures.contact_sheet import SIDE, squares
from keras_alexnet.inference.drawings import data_url
from keras_alexnet.inference.named_pictures import SplitPictures
from keras_alexnet.report.reported_run import ReportedData, ReportedRun
from keras_alexnet.trained.network import TrainedNetwork
from tfrecords.errors import UserError

EXPLAINED = 4  # of them, the first ones
_COLOUR = (255, 94, 20)  # as the page of `alexnet serve` has it
_STRENGTH = 0.75


def worst_section(run: ReportedRun, data: ReportedData, count: int) -> dict[str, Any]:
    """Return thumbnails of the surest errors, and Grad-CAM of the first of them.

    Args:
        run: With evaluations.
        data: That they are of.
        count: Pictures at most.
    """
    shown = ClassLookup.of(data.manifest).shown
    split = open_split(data.folder, data.split, 1, data.manifest)
    worst = worst_errors(run.best, SplitPictures(split), count)
    found = squares([each.picture.picture for each in worst], apply_exif=False)
    return {
        "side": SIDE,
        "pictures": [
            {
                "url": None if square is None else data_url(square, "JPEG"),
                "true": shown[each.label],
                "guess": shown[each.guess],
                "probability": each.probability,
                "name": each.picture.name,
            }
            for each, square in zip(worst, found, strict=True)
        ],
        "explained": _explained(run.network, worst[:EXPLAINED], shown),
    }


def _explained(
    network: TrainedNetwork, worst: Sequence[WorstError], shown: Sequence[str]
) -> list[dict[str, Any]]:
    """Return crops with what speaks for the guess and for the truth; [] of exports."""
    explainer, found = network.explainer(), []
    for each in worst:
        image = network.image(each.picture.picture)
        try:
            guess, truth = (
                explainer.explain(image, "grad_cam", class_index=place)
                for place in (each.guess, each.label)
            )
        except UserError:  # an export has no gradients, some nets no maps
            return []
        found.append(
            {
                "name": each.picture.name,
                "crop": data_url(guess.crop, "JPEG"),
                "classes": [
                    {
                        "title": title,
                        "class": shown[one.class_index],
                        "probability": one.probability,
                        "note": one.note,
                        "url": data_url(tinted(one.crop, one.map), "JPEG"),
                    }
                    for title, one in (("the guess", guess), ("the truth", truth))
                ],
            }
        )
    return found


def tinted(crop: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return a picture in orange where a map is high.

    Args:
        crop: uint8 `(size, size, 3)`, RGB.
        values: float `(size, size)` of 0 to 1.

    Returns:
        uint8 `(size, size, 3)`, unchanged where the map is 0.
    """
    share = _STRENGTH * np.clip(values, 0, 1)[..., None]
    return np.rint((1 - share) * crop + share * np.array(_COLOUR)).astype(np.uint8)
