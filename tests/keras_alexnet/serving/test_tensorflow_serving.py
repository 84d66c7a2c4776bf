import json

import numpy as np
import pytest

from keras_alexnet.serving.json_body import CURL
from keras_alexnet.serving.refusal import Refusal
from keras_alexnet.serving.tensorflow_serving import parse_request
from tests.keras_alexnet.serving.client import (
    GOOD,
    OTHERS,
    answering,
    base64_of,
    error,
)
from tests.small import INPUT, probability_bound

pytestmark = pytest.mark.anyio
PREDICT = "/v1/models/alexnet:predict"
PICTURES = [{"b64": base64_of(data)} for data in OTHERS]
OUTPUTS = {"probabilities", "classes", "scores", "labels"}


@pytest.fixture(scope="module")
def rows(network):
    return np.concatenate([network.classifier()([data]) for data in OTHERS])


def check(answer, rows, labels):
    assert {*answer} == OUTPUTS
    found = np.array(answer["probabilities"])
    np.testing.assert_allclose(found, rows, rtol=0, atol=probability_bound())
    order = np.argsort(-rows, axis=-1)
    assert np.array_equal(answer["classes"], order)
    assert np.array_equal(answer["labels"], np.array(labels)[order])
    assert np.array_equal(answer["scores"], np.take_along_axis(found, order, -1))


async def test_rows_and_columns_are_answered_in_their_form(network, rows):
    async with answering(network) as client:
        named = [{"image_bytes": each} for each in PICTURES]
        for instances in (PICTURES, named):
            given = {"signature_name": "serving_default", "instances": instances}
            response = await client.post(PREDICT, json=given)
            assert response.status_code == 200 and {*response.json()} == {"predictions"}
            answers = response.json()["predictions"]
            for answer, row in zip(answers, rows, strict=True):
                check(answer, row, network.labels)
        for inputs in (PICTURES, {"image_bytes": PICTURES}):
            response = await client.post(PREDICT, json={"inputs": inputs})
            assert {*response.json()} == {"outputs"}
            check(response.json()["outputs"], rows, network.labels)
        empty = await client.post(PREDICT, json={"instances": []})
        assert empty.json() == {"predictions": []}
        empty = (await client.post(PREDICT, json={"inputs": []})).json()
        assert empty == {"outputs": dict.fromkeys(OUTPUTS, [])}


async def test_images_are_taken_under_their_signature(network, rows):
    images = network.preprocessing.images(np.array(OTHERS)).numpy().tolist()
    async with answering(network, max_bytes=2_000_000) as client:
        for given in (
            {"instances": images},
            {"instances": [{"images": image} for image in images]},
            {"inputs": {"images": images}},
        ):
            given["signature_name"] = "images"
            response = await client.post(PREDICT, json=given)
            assert response.status_code == 200, response.text
            found = response.json()
            if "outputs" in found:
                check(found["outputs"], rows, network.labels)
            else:
                for answer, row in zip(found["predictions"], rows, strict=True):
                    check(answer, row, network.labels)


async def test_whatever_curl_and_programs_say_of_json_it_is_read(network):
    body = json.dumps({"instances": PICTURES[:1]})
    async with answering(network) as client:
        for kind in (CURL, "application/json; charset=utf-8", None):
            headers = {} if kind is None else {"Content-Type": kind}
            response = await client.post(PREDICT, content=body, headers=headers)
            assert response.status_code == 200
        plain = {"Content-Type": "text/plain"}
        response = await client.post(PREDICT, content=body, headers=plain)
        assert response.status_code == 415 and "text/plain" in await error(response)


async def test_status_and_metadata_are_what_tensorflow_serving_says(network):
    async with answering(network) as client:
        for path in ("/v1/models/alexnet", "/v1/models/alexnet/versions/1"):
            (state,) = (await client.get(path)).json()["model_version_status"]
            good = {"error_code": "OK", "error_message": ""}
            assert state == {"version": "1", "state": "AVAILABLE", "status": good}
        said = (await client.get("/v1/models/alexnet/metadata")).json()
        versioned = "/v1/models/alexnet/versions/1:predict"
        response = await client.post(versioned, json={"instances": PICTURES})
        assert response.status_code == 200
    spec = {"name": "alexnet", "signature_name": "", "version": "1"}
    assert said["model_spec"] == spec
    signatures = said["metadata"]["signature_def"]["signature_def"]
    taken = signatures["serving_default"]["inputs"]["image_bytes"]
    dim = [{"size": "-1", "name": ""}]
    assert taken["dtype"] == "DT_STRING"
    assert taken["tensor_shape"] == {"dim": dim, "unknown_rank": False}
    given = signatures["serving_default"]["outputs"]
    assert {name: each["dtype"] for name, each in given.items()} == {
        "probabilities": "DT_FLOAT",
        "classes": "DT_INT32",
        "scores": "DT_FLOAT",
        "labels": "DT_STRING",
    }


async def test_the_metadata_is_that_of_the_export(network, exported):
    import tensorflow as tf

    loaded = tf.saved_model.load(str(exported)).signatures["serving_default"]
    async with answering(network) as client:
        said = (await client.get("/v1/models/alexnet/metadata")).json()
    found = said["metadata"]["signature_def"]["signature_def"]["serving_default"]
    for name, spec in loaded.structured_outputs.items():
        sides = found["outputs"][name]["tensor_shape"]["dim"]
        assert [int(side["size"]) for side in sides] == [
            -1 if side is None else side for side in spec.shape
        ]
        kind = {"float32": "FLOAT", "int32": "INT32", "string": "STRING"}
        assert found["outputs"][name]["dtype"] == f"DT_{kind[spec.dtype.name]}"


async def test_other_models_versions_and_verbs_are_named(network):
    given = {"instances": PICTURES}
    async with answering(network) as client:
        # As TensorFlow Serving's own documentation has it.
        response = await client.post("/v1/models/half:predict", json=given)
        assert response.status_code == 404
        expected = "Servable not found for request: Latest(half)"
        assert response.json() == {"error": expected}
        response = await client.get("/v1/models/alexnet/versions/7")
        expected = "Servable not found for request: Specific(alexnet, 7)"
        assert response.status_code == 404 and response.json() == {"error": expected}
        response = await client.post("/v1/models/alexnet:classify", json={})
        assert response.status_code == 400 and ":predict" in await error(response)


async def test_a_broken_picture_is_named_by_its_place(network):
    given = [PICTURES[0], {"b64": base64_of(GOOD[:300])}, PICTURES[1]]
    async with answering(network) as client:
        response = await client.post(PREDICT, json={"instances": given})
        assert response.status_code == 422
        assert (await error(response)).startswith("instances[1]: ")
        response = await client.post(PREDICT, json={"inputs": given})
        assert (await error(response)).startswith("inputs[1]: ")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "JSON Parse error"),
        ("{", "JSON Parse error"),
        ("[]", "Expected a JSON object, got a list"),
        ("{}", "one of 'instances' and 'inputs'"),
        ('{"instances": [], "inputs": []}', "one of 'instances' and 'inputs'"),
        ('{"instances": 1}', "Expected instances to be a list, got a int"),
        ('{"instances": null}', "Expected instances to be a list"),
        ('{"instances": ["cat.jpg"]}', r"instances\[0\]: expected a picture as"),
        ('{"instances": [{"b64": "?"}]}', r"instances\[0\]: .* base64"),
        ('{"instances": [{"b64": 1}]}', r"instances\[0\]: .* base64"),
        ('{"instances": [{"file": "/etc/passwd"}]}', r"expected the input image_bytes"),
        ('{"instances": [{}]}', "got none"),
        ('{"inputs": {"b64": "AAAA"}}', "got one alone"),
        ('{"inputs": 5}', "got one alone"),
        ('{"instances": [], "signature_name": "features"}', "not found in signature"),
        ('{"instances": [], "signature_name": 3}', "signature_name to be a str"),
        ("[" * 100_000, "nested too deeply"),
        ('{"instances": [NaN]}', "NaN is no number"),
    ],
)
def test_what_is_no_request_is_refused(body, reason):
    with pytest.raises(Refusal, match=reason) as refused:
        parse_request(body.encode(), (INPUT, INPUT, 3))
    assert refused.value.status == 400
