import numpy as np
import pytest

from keras_alexnet import load
from keras_alexnet.data.records import open_split
from keras_alexnet.evaluation.accuracy import evaluate
from keras_alexnet.evaluation.result import Evaluation
from keras_alexnet.evaluation.worst import worst_errors
from keras_alexnet.inference.named_pictures import NamedPicture, SplitPictures
from tests import small
from tests.small import CLASSES, INPUT


@pytest.fixture
def pictures(dataset):
    return SplitPictures(open_split(dataset, "validation", INPUT))


def test_the_surest_wrong_guesses_come_first():
    rows = [[0.1, 0.9, 0], [0, 0.2, 0.8], [1, 0, 0], [0.1, 0.9, 0], [0.4, 0.3, 0.3]]
    found = Evaluation.count(np.array(rows), np.array([0, 1, 0, 2, 1]), list("abc"), {})

    class Named:
        def at(self, places):
            return [
                NamedPicture(f"{place}.jpg" * (place != 1), b"") for place in places
            ]

    worst = worst_errors(found, Named(), 3)
    assert [(each.place, each.label, each.guess) for each in worst] == [
        *((0, 0, 1), (3, 2, 1), (1, 1, 2)),
    ]
    assert [each.probability for each in worst] == [0.9, 0.9, 0.8]
    assert [each.place for each in worst_errors(found, Named(), 9)] == [0, 3, 1, 4]
    assert worst[1].as_dict(found.labels) == {
        **{"place": 3, "label": 2, "class": "c", "guess": 1, "taken_for": "b"},
        **{"probability": 0.9, "name": "3.jpg"},
    }
    assert worst[2].as_dict(found.labels)["name"] is None


def test_the_pictures_are_those_that_were_evaluated(run, dataset, pictures):
    network = load(run)
    worst = worst_errors(evaluate([network], dataset, views=1), pictures, 12)
    assert worst
    again = network.predict([each.picture.picture for each in worst], top=1)
    for each, prediction in zip(worst, again, strict=True):
        assert each.picture.label == each.label != each.guess
        assert each.picture.name.split("/")[-2] == CLASSES[each.label]
        assert prediction.classes == [each.guess]
        limit = small.probability_bound()  # in another batch
        assert prediction.scores[0] == pytest.approx(each.probability, abs=limit)
