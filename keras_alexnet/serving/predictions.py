"""`POST /predict`: pictures as a form or a body, named classes back."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from keras_alexnet.inference.classifier import Prediction, name_classes
from keras_alexnet.serving.limits import unless_gone
from keras_alexnet.serving.refusal import Refusal
from keras_alexnet.serving.served_model import Row, ServedModel
from keras_alexnet.serving.service import Service


def predictions_router(service: Service) -> APIRouter:
    """Return the route.

    A request of one picture that cannot be read is refused with status 422; of several
    pictures, each that cannot be read has an `error`, and the status is 200.
    """
    router = APIRouter()

    @router.post("/predict")
    async def predict(request: Request) -> JSONResponse:
        async with service.uploads(request) as uploads:
            with service.model.used() as model:
                contents = [upload.data for upload in uploads]
                rows = await unless_gone(request, service.classify(model, contents))
                if len(rows) == 1 and isinstance(rows[0], Refusal):
                    raise rows[0]
                said = [
                    prediction(upload.name, row, model)
                    for upload, row in zip(uploads, rows, strict=True)
                ]
        return JSONResponse({"predictions": said})

    return router


def prediction(name: str, row: Row, model: ServedModel) -> dict[str, Any]:
    """Return what is said of one picture, with the fields of `alexnet predict`."""
    if isinstance(row, Refusal):
        found = Prediction(name, [], [], [], row.reason)
    else:
        found = Prediction(name, *name_classes(row, model.labels, model.top))
    return {**found.as_dict(), "error": found.error or None}
