import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from keras_alexnet.serving.binary_tensors import HEADER_LENGTH
from keras_alexnet.version import VERSION
from tests.keras_alexnet.serving.client import (
    GOOD,
    OTHERS,
    answering,
    base64_of,
    error,
)
from tests.keras_alexnet.serving.live import listening
from tests.small import INPUT, probability_bound

INFER = "/v2/models/alexnet/infer"


@pytest.fixture(scope="module")
def rows(network):
    return np.concatenate([network.classifier()([data]) for data in OTHERS])


def near(found, rows):
    np.testing.assert_allclose(found, rows, rtol=0, atol=probability_bound())


def given(*contents, **more):
    data = [base64_of(each) for each in contents]
    told = {"name": "image_bytes", "datatype": "BYTES", "shape": [len(data)]}
    return {"inputs": [{**told, "data": data}], **more}


def test_a_client_that_others_wrote_is_answered(network, rows):
    names = np.array(network.labels, object)[np.argsort(-rows, axis=1)]
    pictures = triton.InferInput("image_bytes", [3], "BYTES")
    pictures.set_data_from_numpy(np.array(OTHERS, object))
    images = triton.InferInput("images", [3, INPUT, INPUT, 3], "FP32")
    values = network.preprocessing.images(np.array(OTHERS)).numpy()
    images.set_data_from_numpy(values)
    plain = triton.InferInput("images", [3, INPUT, INPUT, 3], "FP32")
    plain.set_data_from_numpy(values, binary_data=False)
    wanted = [
        triton.InferRequestedOutput("labels", binary_data=False),
        triton.InferRequestedOutput("scores", binary_data=True),
    ]
    with listening(network) as port:
        client = triton.InferenceServerClient(f"127.0.0.1:{port}")
        assert client.is_server_live() and client.is_server_ready()
        assert client.is_model_ready("alexnet") and client.is_model_ready(
            "alexnet", "1"
        )
        assert client.get_server_metadata()["name"] == "keras-alexnet"
        assert client.get_model_metadata("alexnet")["versions"] == ["1"]
        found = client.infer("alexnet", [pictures], request_id="42")
        near(found.as_numpy("probabilities"), rows)
        labels = np.char.decode(found.as_numpy("labels").astype(bytes))
        assert np.array_equal(labels, names)
        assert np.array_equal(found.as_numpy("classes"), np.argsort(-rows, axis=1))
        near(found.as_numpy("scores"), -np.sort(-rows, axis=1))
        assert found.get_response()["id"] == "42"
        found = client.infer("alexnet", [pictures], outputs=wanted)
        assert np.array_equal(found.as_numpy("labels"), names)
        assert [each["name"] for each in found.get_response()["outputs"]] == [
            "labels",
            "scores",
        ]
        for asked in (images, plain):
            found = client.infer("alexnet-images", [asked])
            near(found.as_numpy("probabilities"), rows)
        broken = triton.InferInput("image_bytes", [2], "BYTES")
        broken.set_data_from_numpy(np.array([OTHERS[0], b"nothing"], object))
        with pytest.raises(InferenceServerException, match=r"image_bytes\[1\]: unkn"):
            client.infer("alexnet", [broken])
        with pytest.raises(InferenceServerException, match="Unknown model"):
            client.infer("other", [pictures])
        client.close()


@pytest.mark.anyio
async def test_json_alone_is_answered_in_json(network, rows):
    async with answering(network) as client:
        response = await client.post(INFER, json=given(*OTHERS, id="7"))
        said = response.json()
        assert {*said} == {"model_name", "model_version", "id", "outputs"}
        assert (said["model_name"], said["model_version"]) == ("alexnet", "1")
        found = {each["name"]: each for each in said["outputs"]}
        near(np.reshape(found["probabilities"]["data"], (3, 3)), rows)
        assert found["probabilities"]["shape"] == [3, 3]
        kinds = {name: each["datatype"] for name, each in found.items()}
        assert kinds == {
            "probabilities": "FP32",
            "classes": "INT64",
            "scores": "FP32",
            "labels": "BYTES",
        }
        asked = given(GOOD, outputs=[{"name": "labels"}])
        said = (await client.post(INFER, json=asked)).json()
        (labels,) = said["outputs"]
        assert labels["name"] == "labels" and "id" not in said
        assert labels["data"] == network.predict([GOOD])[0].labels
        empty = (await client.post(INFER, json=given())).json()["outputs"]
        assert [each["shape"][0] for each in empty] == [0] * 4


@pytest.mark.anyio
async def test_the_server_and_its_models_say_what_they_are(network):
    async with answering(network, name="mine") as client:
        said = (await client.get("/v2")).json()
        extensions = ["binary_tensor_data"]
        name = "keras-alexnet"
        assert said == {"name": name, "version": VERSION, "extensions": extensions}
        facts = (await client.get("/v2/models/mine")).json()
        pictures = {"name": "image_bytes", "datatype": "BYTES", "shape": [-1]}
        assert facts["inputs"] == [pictures]
        assert facts["platform"] == "tensorflow_savedmodel"
        card = facts["parameters"]["preprocessing"]
        assert card == network.config.preprocessing and card["input_size"] == INPUT
        facts = (await client.get("/v2/models/mine-images/versions/1")).json()
        images = {"name": "images", "datatype": "FP32", "shape": [-1, INPUT, INPUT, 3]}
        assert facts["inputs"] == [images]
        for path in ("/v2/models/alexnet", "/v2/models/mine/versions/2"):
            assert (await client.get(path)).status_code == 404
        response = await client.get("/v2/models/mine/versions/1/ready")
        assert response.json() == {"name": "mine", "ready": True}
        client.service.ready = False
        for path in ("/v2/health/ready", "/v2/models/mine/ready"):
            response = await client.get(path)
            assert response.status_code == 503 and await error(response)
        assert (await client.get("/v2/health/live")).json() == {"live": True}


@pytest.mark.anyio
async def test_a_wrong_length_of_the_json_is_refused(network):
    async with answering(network) as client:
        for length in ("9999999", "-1", "x"):
            headers = {HEADER_LENGTH: length}
            response = await client.post(INFER, json=given(GOOD), headers=headers)
            assert response.status_code == 400
            assert HEADER_LENGTH in await error(response)
