import pytest

from tests.keras_alexnet.serving.client import (
    GOOD,
    JPEG,
    OTHERS,
    answering,
    error,
    form,
)
from tests.small import probability_bound

pytestmark = pytest.mark.anyio
BAD = b"<html>not found</html>"


def check(answer, expected):
    assert answer["labels"] == expected.labels
    assert answer["classes"] == expected.classes
    # Batches of other sizes are added up in another order.
    bound = probability_bound()
    assert answer["scores"] == pytest.approx(expected.scores, rel=0, abs=bound)
    assert answer["error"] is None


async def test_pictures_are_answered_as_predict_does_however_they_come(
    network, predicted
):
    async with answering(network) as client:
        whole = await client.post("/predict", content=GOOD, headers=JPEG)
        plain = {"Content-Type": "application/octet-stream"}
        bytes_ = await client.post("/predict", content=GOOD, headers=plain)
        one = await client.post("/predict", files=form(GOOD))
        several = await client.post("/predict", files=form(*OTHERS, GOOD, *OTHERS))
    for response in (whole, bytes_, one):
        assert response.status_code == 200
        (answer,) = response.json()["predictions"]
        check(answer, predicted(GOOD))
    assert one.json()["predictions"][0]["file"] == "0.jpg"
    assert whole.json()["predictions"][0]["file"] == ""
    answers = several.json()["predictions"]
    assert [each["file"] for each in answers] == [f"{n}.jpg" for n in range(7)]
    for answer, data in zip(answers, [*OTHERS, GOOD, *OTHERS], strict=True):
        check(answer, predicted(data))


async def test_one_bad_picture_is_refused_and_among_others_it_fails_alone(
    network, predicted
):
    async with answering(network) as client:
        alone = await client.post("/predict", content=BAD, headers=JPEG)
        mixed = await client.post("/predict", files=form(GOOD, BAD, OTHERS[0]))
        all_bad = await client.post("/predict", files=form(BAD, b""))
    assert alone.status_code == 422
    assert (await error(alone)).startswith("no_decoder: a web page")
    assert mixed.status_code == 200
    good, bad, other = mixed.json()["predictions"]
    check(good, predicted(GOOD))
    check(other, predicted(OTHERS[0]))
    assert bad["error"] == await error(alone)
    assert bad["labels"] == bad["classes"] == bad["scores"] == []
    assert all_bad.status_code == 200
    errors = [each["error"] for each in all_bad.json()["predictions"]]
    assert errors[1].startswith("empty: ")


async def test_top_and_views_are_those_asked_for(network):
    async with answering(network, views=10, top=2) as client:
        response = await client.post("/predict", content=GOOD, headers=JPEG)
    (answer,) = response.json()["predictions"]
    expected = network.predict([GOOD], views=10, top=2)[0]
    assert len(answer["labels"]) == 2
    check(answer, expected)
