"""What sends bad requests finds out what is wrong with the answers."""

import json

import numpy as np
import pytest
from PIL import Image

from keras_alexnet.record import Figure, Record
from keras_alexnet.serving.pictures import check_header
from keras_alexnet.serving.refusal import Refusal
from scripts.benchmarks.server_process import Answer
from tests import small
from tests.tools import bad_requests
from tests.tools.bad_requests import Asker, BadRequestOptions

GOOD = small.encode(small.picture(1, 33))
ROW = np.float32([0.25, 0.5, 0.25])


@pytest.fixture
def asker():
    return Asker({GOOD: ROW})


def answered(status, **document):
    return Answer(status, json.dumps(document).encode(), 0.1)


def test_one_in_ten_is_bad_and_every_kind_has_its_turn(asker):
    kinds = [asker.kind(number) for number in range(1000)]
    assert kinds.count("good") == 900
    assert {kinds.count(kind) for kind in asker.kinds} == {10}
    assert len(asker.kinds) == 10


def test_pictures_that_are_too_large_say_so_in_their_headers():
    for data, size in (
        (bad_requests.huge_jpeg(GOOD), (14_000, 20_000)),
        (bad_requests.gif_bomb(), (60_000, 60_000)),
    ):
        Image.MAX_IMAGE_PIXELS, most = None, Image.MAX_IMAGE_PIXELS
        try:
            with pytest.raises(Refusal, match=f"{size[0]}x{size[1]} pixels"):
                check_header(data, 10**6)
        finally:
            Image.MAX_IMAGE_PIXELS = most


def test_a_good_answer_is_predicts(asker):
    near = (ROW + 1e-6).tolist()
    good = answered(200, predictions=[{"probabilities": near}])
    assert asker.wrong(1, good) == ""
    far = answered(200, predictions=[{"probabilities": (ROW + 1e-3).tolist()}])
    assert asker.wrong(1, far).startswith("good: 0.001 off")
    assert "status 503" in asker.wrong(1, answered(503, error="busy"))
    assert "status 0" in asker.wrong(1, Answer(0, b"", 0.1))


def test_a_bad_answer_says_why(asker):
    for place, kind in enumerate(asker.kinds):
        number, word = 10 * place, asker.bad[kind][2]
        assert asker.wrong(number, answered(422, error=f"x {word} x")) == ""
        if kind == "cut connection":
            continue
        assert asker.wrong(number, answered(422, error="")).startswith(kind)
        for status in (200, 500, 0):
            assert f"status {status}" in asker.wrong(number, answered(status))


def test_anything_lost_is_a_failure():
    good = {
        "of them not answered as predict does": 0,
        "of them without a 4xx that says why": 0,
        "of them lost on the way": 0,
        "exit status after SIGTERM": 0,
        "answers after kill -9 and a new start": "yes",
    }

    def record(**changed):
        found = [Figure(name, value) for name, value in {**good, **changed}.items()]
        return Record.now("serving", "", found)

    assert not bad_requests.failed(record())
    for name in good:
        wrong = "no" if name.startswith("answers") else 1
        assert bad_requests.failed(record(**{name: wrong}))


@pytest.mark.slow
def test_a_real_server_loses_nothing(run, tmp_path):
    tree = small.write_tree(tmp_path / "tree", per_class=2)
    options = BadRequestOptions(run, tree, requests=100, clients=4)
    assert not bad_requests.failed(bad_requests.measure(options))
