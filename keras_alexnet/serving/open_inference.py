"""The Open Inference Protocol, version 2, that KServe and Triton speak."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from keras_alexnet.serving.answers import IMAGES, PICTURES, Answers
from keras_alexnet.serving.binary_tensors import HEADER_LENGTH, split_body, write_tensor
from keras_alexnet.serving.inference_request import (
    Inference,
    parse_inference,
)
from keras_alexnet.serving.json_body import JSON, check_type
from keras_alexnet.serving.limits import unless_gone
from keras_alexnet.serving.refusal import Refusal, busy
from keras_alexnet.serving.served_model import ServedModel
from keras_alexnet.serving.service import Service
from keras_alexnet.version import VERSION

BINARY = "application/octet-stream"
BASE, VERSIONED = "/v2/models/{name}", "/v2/models/{name}/versions/{version}"
DATATYPES = {
    "probabilities": "FP32",
    "classes": "INT64",
    "scores": "FP32",
    "labels": "BYTES",
}
# Of runtimes that have a name in other servers; the others have their own.
PLATFORMS = {"tensorflow": "tensorflow_savedmodel", "onnx": "onnxruntime_onnx"}


@dataclass(frozen=True)
class _Model:
    """A name of the protocol: the network that takes pictures, or images."""

    name: str
    takes: str
    served: ServedModel


def open_inference_router(service: Service) -> APIRouter:
    """Return the routes."""
    router = _health_router(service)
    names = {service.options.name: PICTURES, f"{service.options.name}-images": IMAGES}

    def find(name: str, version: str | None) -> _Model:
        served = service.model
        if name not in names:
            raise Refusal(404, f"Unknown model; expected {' or '.join(names)}.")
        if version not in (None, served.version):
            expected = f"expected version {served.version}"
            raise Refusal(404, f"Unknown version of {name}; {expected}.")
        return _Model(name, names[name], served)

    @router.get("/v2")
    async def server() -> dict[str, Any]:
        extensions = ["binary_tensor_data"]
        return {"name": "keras-alexnet", "version": VERSION, "extensions": extensions}

    @router.get(f"{VERSIONED}/ready")
    @router.get(f"{BASE}/ready")
    async def model_ready(name: str, version: str | None = None) -> dict[str, Any]:
        find(name, version)
        _check_ready(service)
        return {"name": name, "ready": True}

    @router.get(VERSIONED)
    @router.get(BASE)
    async def metadata(name: str, version: str | None = None) -> dict[str, Any]:
        return model_facts(find(name, version))

    @router.post(f"{VERSIONED}/infer")
    @router.post(f"{BASE}/infer")
    async def infer(
        request: Request, name: str, version: str | None = None
    ) -> Response:
        find(name, version)
        check_type(request, JSON, BINARY, "")
        length = request.headers.get(HEADER_LENGTH)
        async with service.limit.body(request) as body:
            model = find(name, version)  # which may be another by now
            with model.served.used():
                asked = await service.in_thread(
                    _parse, body, length, model.takes, model.served.image_shape
                )
                work = _answer(service, model, asked)
                answers = await unless_gone(request, work)
                return await service.in_thread(_response, model, asked, answers)

    return router


def _health_router(service: Service) -> APIRouter:
    router = APIRouter()

    @router.get("/v2/health/live")
    async def live() -> dict[str, bool]:
        return {"live": True}

    @router.get("/v2/health/ready")
    async def ready() -> dict[str, bool]:
        _check_ready(service)
        return {"ready": True}

    return router


def _check_ready(service: Service) -> None:
    if not service.ready:
        raise busy("The server starts or ends.")


def _parse(
    body: bytes, length: str | None, takes: str, image_shape: tuple[int, ...]
) -> Inference:
    return parse_inference(*split_body(body, length), takes, image_shape, DATATYPES)


async def _answer(service: Service, model: _Model, asked: Inference) -> Answers:
    if asked.pictures is not None:
        rows = await service.classify(model.served, asked.pictures)
    else:
        assert asked.images is not None
        rows = list(await model.served.rows(asked.images))
    return Answers.of(model.served, rows, model.takes)


def _response(model: _Model, asked: Inference, answers: Answers) -> Response:
    outputs, behind = [], b""
    for name, binary in asked.outputs.items():
        values: np.ndarray = getattr(answers, name)
        datatype = DATATYPES[name]
        said: dict[str, Any] = {"name": name, "datatype": datatype}
        said["shape"] = list(values.shape)
        if binary:
            data = write_tensor(values, datatype)
            said["parameters"] = {"binary_data_size": len(data)}
            behind += data
        else:
            said["data"] = values.reshape(-1).tolist()
        outputs.append(said)
    document = {"model_name": model.name, "model_version": model.served.version}
    if asked.id is not None:
        document["id"] = asked.id
    head = JSONResponse({**document, "outputs": outputs})
    if not any(asked.outputs.values()):
        return head
    sizes = {HEADER_LENGTH: str(len(head.body))}
    return Response(bytes(head.body) + behind, media_type=BINARY, headers=sizes)


def model_facts(model: _Model) -> dict[str, Any]:
    """Return what a model takes and gives, and our own card of its preprocessing."""
    served, network = model.served, model.served.network
    widths = {"probabilities": len(served.labels)}
    if model.takes == PICTURES:
        taken = {"name": PICTURES, "datatype": "BYTES", "shape": [-1]}
    else:
        shape = [-1, *served.image_shape]
        taken = {"name": IMAGES, "datatype": "FP32", "shape": shape}
    return {
        "name": model.name,
        "versions": [served.version],
        "platform": PLATFORMS.get(network.runtime, network.runtime),
        "inputs": [taken],
        "outputs": [
            {
                "name": name,
                "datatype": kind,
                "shape": [-1, widths.get(name, served.top)],
            }
            for name, kind in DATATYPES.items()
        ],
        "parameters": {"preprocessing": network.config.preprocessing},
    }
