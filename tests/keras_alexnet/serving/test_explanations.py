import re

import numpy as np
import pytest

from keras_alexnet import load
from tests import small
from tests.keras_alexnet.serving.client import (
    GOOD,
    JPEG,
    OTHERS,
    answering,
    error,
    form,
)
from tests.keras_alexnet.serving.drawn import pixels_of

pytestmark = pytest.mark.anyio


def maps_of(answer):
    """The map that an answer holds, by what its levels mean."""
    levels = pixels_of(answer["map"]).astype(np.float64)
    return answer["lowest"] + (answer["highest"] - answer["lowest"]) * levels / 255


async def test_an_explanation_is_that_of_the_library(network):
    async with answering(network, max_batch=32) as client:
        found = {}
        for method, chosen in (
            ("occlusion", None),
            ("grad_cam", None),
            ("grad_cam", 2),
        ):
            asked = {"method": method} | ({} if chosen is None else {"class": 2})
            found[method, chosen] = await client.post(
                "/explain", params=asked, files=form(GOOD)
            )
    # Levels of 8 bits, and rounding of batches that are added up in another order.
    rounding = 2 * small.probability_bound()
    for (method, chosen), response in found.items():
        expected = network.explain(GOOD, method, class_index=chosen)
        answer = response.json()
        assert response.status_code == 200 and answer["method"] == method
        assert answer["class"] == expected.class_index
        assert answer["label"] == expected.label and answer["note"] is None
        assert answer["probability"] == pytest.approx(expected.probability, rel=1e-5)
        step = (answer["highest"] - answer["lowest"]) / 255
        bound = step / 2 + (rounding if method == "occlusion" else 1e-6)
        np.testing.assert_allclose(maps_of(answer), expected.map, rtol=0, atol=bound)
        np.testing.assert_array_equal(pixels_of(answer["crop"]), expected.crop)


async def test_the_crop_alone_takes_no_pass(network, monkeypatch):
    expected = network.explain(OTHERS[0], "grad_cam").crop
    async with answering(network) as client:
        monkeypatch.setattr(network, "_compute", None)
        response = await client.post("/crop", content=OTHERS[0], headers=JPEG)
    assert response.json()["size"] == small.INPUT
    np.testing.assert_array_equal(pixels_of(response.json()["crop"]), expected)


async def test_responses_are_drawn_tower_by_tower(network):
    async with answering(network) as client:
        answer = (await client.post("/first-layer", files=form(GOOD))).json()
    responses = network.first_layer().responses(network.image(GOOD))
    assert answer["largest"] == responses.max((1, 2)).tolist()
    assert len(answer["towers"]) == 2
    for tower, url in enumerate(answer["towers"]):
        drawn = pixels_of(url)
        assert drawn.shape == (15, 8 * 15)
        for place in range(4):
            response = responses[4 * tower + place]
            expected = np.rint(response * (255 / (response.max() or 1)))
            cut = drawn[:, 15 * place : 15 * place + 15].astype(int)
            assert np.abs(cut - expected).max() <= 1  # one more rounding at a half


async def test_occlusion_lets_predictions_between_its_passes(network, monkeypatch):
    sizes, compute = [], network._compute

    def watched(images):
        sizes.append(len(images))
        return compute(images)

    async with answering(network, max_batch=4) as client:
        monkeypatch.setattr(network, "_compute", watched)
        response = await client.post("/explain", files=form(GOOD))
    assert response.status_code == 200 and {*sizes} == {4}


REFUSED = {
    "/explain?method=lime": ([GOOD], 400, "method=occlusion or grad_cam .*'lime'"),
    "/explain?class=-1": ([GOOD], 400, "place of a class.* got '-1'"),
    "/explain?class=cat": ([GOOD], 400, "got 'cat'"),
    "/explain?class=%C2%B2": ([GOOD], 400, "place of a class"),
    "/explain?class=3": ([GOOD], 422, "class from 0 to 2, got 3"),
    "/explain": ([GOOD, GOOD], 400, "Expected one picture, got 2"),
    "/crop": ([b"nothing"], 422, "unknown_format"),
    "/first-layer": ([GOOD[:300]], 422, "truncated"),
    "/explain?class=0": ([b""], 422, "empty"),
}


async def test_what_cannot_be_answered_is_refused(network):
    async with answering(network, max_batch=1) as client:
        for place, (pictures, status, said) in REFUSED.items():
            response = await client.post(place, files=form(*pictures))
            assert response.status_code == status, place
            assert re.search(said, await error(response)), place
        fine = await client.post("/crop", files=form(GOOD))
    assert fine.status_code == 200


async def test_a_picture_of_too_many_pixels_is_not_decoded(network):
    async with answering(network, max_batch=1, max_pixels=80 * 90 - 1) as client:
        response = await client.post("/explain", files=form(GOOD))
    assert response.status_code == 422
    assert "too_large: 90x80 pixels" in await error(response)


async def test_an_export_explains_by_occlusion_alone(exported, network):
    async with answering(load(exported), max_batch=4) as client:
        facts = (await client.get("/network")).json()
        cam = await client.post("/explain?method=grad_cam", files=form(GOOD))
        layer = await client.post("/first-layer", files=form(GOOD))
        found = await client.post("/explain", files=form(GOOD))
    assert facts["explanations"] == ["occlusion"] and facts["first_layer"] is None
    assert cam.status_code == layer.status_code == 422
    assert "Keras network for Grad-CAM" in await error(cam)
    assert "Expected a run or network folder" in await error(layer)
    assert found.json()["label"] == network.predict([GOOD])[0].labels[0]
