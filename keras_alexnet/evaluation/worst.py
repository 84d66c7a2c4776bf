"""The pictures that a network is most surely wrong about."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_alexnet.evaluation.result import Evaluation
from keras_alexnet.inference.named_pictures import NamedPicture, SplitPictures


@dataclass(frozen=True)
class WorstError:
    """A picture whose first guess is wrong.

    Attributes:
        place: Of its record in the split, from 0.
        label: True class.
        guess: Class that is guessed.
        probability: Of the guess.
        picture: As it is stored, with its name.
    """

    place: int
    label: int
    guess: int
    probability: float
    picture: NamedPicture

    def as_dict(self, labels: list[str]) -> dict[str, Any]:
        """Return the fields for JSON, with the names of both classes.

        `name` is that of the picture, None where its record has none.
        """
        return {
            "place": self.place,
            "label": self.label,
            "class": labels[self.label],
            "guess": self.guess,
            "taken_for": labels[self.guess],
            "probability": self.probability,
            "name": self.picture.name or None,
        }


def worst_errors(
    found: Evaluation, pictures: SplitPictures, count: int
) -> list[WorstError]:
    """Return the wrong guesses of the highest probability, the surest first.

    Args:
        found: An evaluation of the pictures.
        pictures: Of the split.
        count: How many at most; of equals the first in the split.
    """
    guesses = found.guesses
    wrong = np.flatnonzero(guesses.wrong)
    order = np.argsort(-guesses.confidence[wrong], kind="stable")[:count]
    places = wrong[order].tolist()
    return [
        WorstError(
            place=place,
            label=int(guesses.truth[place]),
            guess=int(guesses.first[place]),
            probability=float(guesses.confidence[place]),
            picture=picture,
        )
        for place, picture in zip(places, pictures.at(places), strict=True)
    ]
