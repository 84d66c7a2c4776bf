import json
import struct

import numpy as np
import pytest

from keras_alexnet.serving.inference_request import parse_inference
from keras_alexnet.serving.refusal import Refusal

SHAPE = (2, 2, 3)
OUTPUTS = ("probabilities", "labels")
VALUES = np.arange(24, dtype=np.float32).reshape(2, *SHAPE)


def pictures(*data, **more):
    given = {"name": "image_bytes", "datatype": "BYTES", "shape": [len(data)]}
    return {**given, "data": list(data), **more}


def images(data, **more):
    given = {"name": "images", "datatype": "FP32", "shape": [2, *SHAPE]}
    return {**given, "data": data, **more}


def parse(given, behind=b"", takes="image_bytes", **more):
    head = json.dumps({"inputs": [given], **more}).encode()
    return parse_inference(head, behind, takes, SHAPE, OUTPUTS)


def test_pictures_are_base64_flat_or_nested():
    for given in (
        pictures("YQ==", "YmM="),
        pictures("YQ==", "YmM=", parameters={"content_type": "base64"}),
        pictures(["YQ=="], ["YmM="], shape=[2, 1]),
    ):
        found = parse(given)
        assert found.pictures == [b"a", b"bc"] and found.images is None
        assert found.outputs == {"probabilities": False, "labels": False}
        assert found.id is None
    assert parse(pictures()).pictures == []


def test_pictures_may_lie_behind_the_json():
    behind = b"\1\0\0\0a\2\0\0\0bc"
    told = {"binary_data_size": len(behind)}
    given = {**pictures(shape=[2]), "parameters": told}
    assert parse(given, behind).pictures == [b"a", b"bc"]


def test_images_are_numbers_nested_flat_or_bytes():
    behind = VALUES.astype("<f4").tobytes()
    told = {"binary_data_size": len(behind)}
    for found in (
        parse(images(VALUES.tolist()), takes="images"),
        parse(images(VALUES.ravel().tolist()), takes="images"),
        parse(images([], parameters=told), behind, takes="images"),
    ):
        assert np.array_equal(found.images, VALUES) and found.pictures is None


def test_outputs_are_chosen_one_by_one():
    wanted = [{"name": "labels", "parameters": {"binary_data": True}}]
    assert parse(pictures(), outputs=wanted).outputs == {"labels": True}
    all_of_them = parse(pictures(), parameters={"binary_data_output": True}).outputs
    assert all_of_them == {"probabilities": True, "labels": True}
    mixed = [{"name": "labels", "parameters": {"binary_data": False}}]
    found = parse(pictures(), outputs=mixed, parameters={"binary_data_output": True})
    assert found.outputs == {"labels": False}
    assert parse(pictures(), id="x").id == "x"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (pictures("YQ==", name="images"), "Expected the input image_bytes"),
        (pictures("YQ==", datatype="FP32"), "of datatype BYTES"),
        (pictures("YQ==", shape=[2]), "Expected 2 pictures by the shape, got 1"),
        (pictures("YQ==", shape=[]), "shape of whole numbers"),
        (pictures("YQ==", shape=[-1]), "shape of whole numbers"),
        (pictures("YQ==", shape=["1"]), "shape of whole numbers"),
        (pictures("YQ==", shape=[1, 1, 1]), r"shape \[pictures\]"),
        (pictures("YQ=", shape=[1]), r"image_bytes\[0\]: .* base64"),
        (pictures("YQ==", data="YQ=="), "data to be a list"),
        (
            pictures("YQ==", parameters={"content_type": "str"}),
            "content_type base64|64",
        ),
        (pictures("YQ==", parameters={"binary_data_size": 3}), "binary_data_size"),
        (pictures("YQ==", parameters=5), "parameters to be a dict"),
    ],
)
def test_pictures_that_do_not_fit_are_refused(given, reason):
    with pytest.raises(Refusal, match=reason) as refused:
        parse(given)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("given", "behind", "reason"),
    [
        (images([1.0] * 5), b"", "Expected numbers for shape"),
        (images(VALUES[:1].tolist()), b"", "Expected 2 images"),
        (images(VALUES[:, :1].tolist()), b"", "expected finite numbers"),
        (images([], shape=[2, 1, 1, 3]), b"", "Expected the shape"),
        (images([], parameters={"binary_data_size": 4}), b"abcd", "96 bytes of FP32"),
        (
            images([], parameters={"binary_data_size": 96}),
            struct.pack("<24f", *[float("nan")] * 24),
            "expected finite numbers",
        ),
        (images([], parameters={"binary_data_size": 2**62}), b"", "binary_data_size"),
    ],
)
def test_images_that_do_not_fit_are_refused(given, behind, reason):
    with pytest.raises(Refusal, match=reason) as refused:
        parse(given, behind, takes="images")
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({}, "Expected one input"),
        ({"inputs": [pictures(), pictures()]}, "Expected one input"),
        ({"inputs": ["x"]}, "Expected one input"),
        ({"inputs": {}}, "inputs to be a list"),
        ({"inputs": [pictures()], "outputs": [{"name": "x"}]}, "Unknown output 'x'"),
        ({"inputs": [pictures()], "outputs": ["labels"]}, "Unknown output 'labels'"),
        ({"inputs": [pictures()], "id": 5}, "id to be a str"),
        (
            {
                "inputs": [pictures()],
                "outputs": [{"name": "labels", "parameters": {"classification": 2}}],
            },
            "ask for labels",
        ),
    ],
)
def test_what_is_no_request_is_refused(document, reason):
    with pytest.raises(Refusal, match=reason) as refused:
        head = json.dumps(document).encode()
        parse_inference(head, b"", "image_bytes", SHAPE, OUTPUTS)
    assert refused.value.status == 400
