"""TensorFlow Serving's REST API, version 1: a client of it notices no difference."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from keras_alexnet.serving.answers import IMAGES, OUTPUTS, PICTURES, Answers
from keras_alexnet.serving.json_body import (
    CURL,
    JSON,
    check_type,
    field_of,
    images_of,
    parse_json,
    picture_bytes_of,
)
from keras_alexnet.serving.limits import unless_gone
from keras_alexnet.serving.refusal import Refusal
from keras_alexnet.serving.served_model import ServedModel
from keras_alexnet.serving.service import Service

# Signature -> its one input.
SIGNATURES = {"serving_default": PICTURES, "images": IMAGES}
BASE, VERSION = "/v1/models/{name}", "/v1/models/{name}/versions/{version}"


def tensorflow_serving_router(service: Service) -> APIRouter:
    """Return the routes."""
    router = APIRouter()

    def find(name: str, version: str | None = None) -> ServedModel:
        model = service.model
        if name != service.options.name or version not in (None, model.version):
            what = f"Latest({name})" if version is None else f"{name}, {version}"
            wanted = what if version is None else f"Specific({what})"
            raise Refusal(404, f"Servable not found for request: {wanted}")
        return model

    @router.get(VERSION)
    @router.get(BASE)
    async def status(name: str, version: str | None = None) -> dict[str, Any]:
        return model_status(find(name, version))

    @router.get(f"{VERSION}/metadata")
    @router.get(f"{BASE}/metadata")
    async def metadata(name: str, version: str | None = None) -> dict[str, Any]:
        return model_metadata(name, find(name, version))

    @router.post(f"{VERSION}:predict")
    @router.post(f"{BASE}:predict")
    async def predict(
        request: Request, name: str, version: str | None = None
    ) -> JSONResponse:
        find(name, version)
        check_type(request, JSON, CURL, "")
        async with service.limit.body(request) as body:
            with find(name, version).used() as model:  # which may be another by now
                asked = await service.in_thread(parse_request, body, model.image_shape)
                found = await unless_gone(request, _answer(service, model, asked))
                return JSONResponse(await service.in_thread(document, asked, found))

    @router.post(f"{VERSION}:{{verb}}")
    @router.post(f"{BASE}:{{verb}}")
    async def refuse(verb: str, name: str, version: str | None = None) -> None:
        find(name, version)
        raise Refusal(400, f"Expected :predict, got :{verb}, which takes tf.Example.")

    return router


@dataclass(frozen=True)
class Asked:
    """What a request asks for.

    Attributes:
        pictures: Bytes of files; None where there are images.
        images: float32 `(count, size, size, 3)`; None where there are pictures.
        by_row: Whether it came as `instances`, and is answered so.
    """

    pictures: list[bytes] | None
    images: np.ndarray | None
    by_row: bool

    @property
    def place(self) -> str:
        """What the pictures are called in errors."""
        return "instances" if self.by_row else "inputs"


def parse_request(body: bytes, image_shape: tuple[int, ...]) -> Asked:
    """Read the body of `:predict`.

    Raises:
        Refusal: Status 400; it is none.
    """
    document = parse_json(body)
    signature = field_of(document, "signature_name", str, "") or "serving_default"
    if signature not in SIGNATURES:
        raise Refusal(
            400,
            f'Serving signature name: "{signature}" not found in signature def; '
            f"expected {' or '.join(SIGNATURES)}.",
        )
    if ("instances" in document) == ("inputs" in document):
        raise Refusal(400, "Expected one of 'instances' and 'inputs' in the request.")
    name, by_row = SIGNATURES[signature], "instances" in document
    if by_row:
        rows = field_of(document, "instances", list, None)
        values = [_named(row, name, f"instances[{n}]") for n, row in enumerate(rows)]
    else:
        values = _named(document["inputs"], name, "inputs")
    place = "instances" if by_row else "inputs"
    if name == IMAGES:
        return Asked(None, images_of(values, image_shape, place), by_row)
    if not isinstance(values, list):
        raise Refusal(400, f"{place}: expected a list of pictures, got one alone.")
    return Asked(_pictures(values, place), None, by_row)


def _named(value: Any, name: str, place: str) -> Any:
    """Return the one input, which may stand there without its name."""
    if not isinstance(value, dict) or {*value} == {"b64"}:
        return value
    if {*value} != {name}:
        raise Refusal(
            400,
            f"{place}: expected the input {name}, got {', '.join(value) or 'none'}.",
        )
    return value[name]


def _pictures(values: list[Any], place: str) -> list[bytes]:
    found = []
    for index, value in enumerate(values):
        where = f"{place}[{index}]"
        if not isinstance(value, dict) or {*value} != {"b64"}:
            raise Refusal(400, f'{where}: expected a picture as {{"b64": "..."}}.')
        found.append(picture_bytes_of(value["b64"], where))
    return found


async def _answer(service: Service, model: ServedModel, asked: Asked) -> Answers:
    if asked.pictures is not None:
        rows = await service.classify(model, asked.pictures)
    else:
        assert asked.images is not None
        rows = list(await model.rows(asked.images))
    return Answers.of(model, rows, asked.place)


def document(asked: Asked, found: Answers) -> dict[str, Any]:
    """Return the answer, in the form in which it was asked for."""
    columns = {name: values.tolist() for name, values in found._asdict().items()}
    if not asked.by_row:
        return {"outputs": columns}
    rows = zip(*columns.values(), strict=True)
    return {"predictions": [dict(zip(columns, row, strict=True)) for row in rows]}


def model_status(model: ServedModel) -> dict[str, Any]:
    """Return what TensorFlow Serving says of a model that answers."""
    good = {"error_code": "OK", "error_message": ""}
    state = {"version": model.version, "state": "AVAILABLE", "status": good}
    return {"model_version_status": [state]}


def model_metadata(name: str, model: ServedModel) -> dict[str, Any]:
    """Return what TensorFlow Serving says of a model's signatures."""
    types = dict(zip(OUTPUTS, ("FLOAT", "INT32", "FLOAT", "STRING"), strict=True))
    widths = {"probabilities": len(model.labels)}
    outputs = {
        output: _tensor(f"DT_{kind}", [-1, widths.get(output, model.top)], output)
        for output, kind in types.items()
    }
    inputs = {
        PICTURES: _tensor("DT_STRING", [-1], PICTURES),
        IMAGES: _tensor("DT_FLOAT", [-1, *model.image_shape], IMAGES),
    }
    signatures = {
        signature: {
            "inputs": {each: inputs[each]},
            "outputs": outputs,
            "method_name": "tensorflow/serving/predict",
        }
        for signature, each in SIGNATURES.items()
    }
    spec = {"name": name, "signature_name": "", "version": model.version}
    return {
        "model_spec": spec,
        "metadata": {"signature_def": {"signature_def": signatures}},
    }


def _tensor(dtype: str, shape: list[int], name: str) -> dict[str, Any]:
    dim = [{"size": str(size), "name": ""} for size in shape]
    form = {"dim": dim, "unknown_rank": False}
    return {"dtype": dtype, "tensor_shape": form, "name": f"{name}:0"}
