"""What a network saw of a picture, and what in it speaks for a class."""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from keras_alexnet.inference.drawings import data_url, grey_levels, sheet
from keras_alexnet.inference.explainer import METHODS, Explanation, Method
from keras_alexnet.serving.insight import Insight, ModelInsight
from keras_alexnet.serving.refusal import Refusal
from keras_alexnet.serving.service import Service
from keras_alexnet.serving.uploads import Upload

SHEET_COLUMNS = 8  # kernels in a row, of which 48 make six


def explanations_router(service: Service, insight: Insight) -> APIRouter:
    """Return the routes; each takes one picture, as `POST /predict` does.

    `POST /crop`: what the network sees of it. `POST /explain?method=&class=`: a map of
    what speaks for a class. `POST /first-layer`: the responses of conv1.
    """
    router = APIRouter()

    @router.post("/crop")
    async def crop(request: Request) -> JSONResponse:
        async with service.uploads(request) as uploads:
            picture = only(uploads)
            pixels = await insight.look(
                request, picture, lambda of: of.explainer.crop(of.image(picture))
            )
        return JSONResponse({"size": len(pixels), "crop": data_url(pixels)})

    @router.post("/explain")
    async def explain(request: Request) -> JSONResponse:
        method = _method(request)
        chosen = _class(request)
        async with service.uploads(request) as uploads:
            picture = only(uploads)
            found = await insight.look(
                request,
                picture,
                lambda of: of.explainer.explain(of.image(picture), method, chosen),
            )
        return JSONResponse({"method": method, **described(found)})

    @router.post("/first-layer")
    async def first_layer(request: Request) -> JSONResponse:
        async with service.uploads(request) as uploads:
            picture = only(uploads)
            found = await insight.look(
                request, picture, lambda of: _responses(of, picture)
            )
        return JSONResponse(found)

    return router


def only(uploads: Sequence[Upload]) -> bytes:
    """Return the bytes of the one picture that is sent, or refuse, status 400."""
    if len(uploads) != 1:
        raise Refusal(400, f"Expected one picture, got {len(uploads)}. Send one each.")
    return uploads[0].data


def described(found: Explanation) -> dict[str, Any]:
    """Return an explanation for JSON.

    Its `map` is a grey PNG in a `data:` URL, of which black is `lowest` and white
    `highest`; `crop` one of the pixels that the network saw.
    """
    lowest, highest = float(found.map.min()), float(found.map.max())
    return {
        "class": found.class_index,
        "label": found.label,
        "probability": found.probability,
        "note": found.note or None,
        "lowest": lowest,
        "highest": highest,
        "map": data_url(grey_levels(found.map, lowest, highest)),
        "crop": data_url(found.crop),
    }


def drawn_responses(responses: np.ndarray, towers: int) -> dict[str, Any]:
    """Return responses of a layer for JSON.

    Its `towers` are grey PNGs in `data:` URLs, of which black is 0, or the least where
    one is less, and white the `largest` of each channel.

    Args:
        responses: float32 `(channels, rows, columns)`.
        towers: In how many parts the channels fall.
    """
    levels = np.stack(
        [grey_levels(each, min(0.0, each.min()), each.max()) for each in responses]
    )
    return {
        "towers": [
            data_url(sheet(tower, SHEET_COLUMNS)) for tower in np.split(levels, towers)
        ],
        "largest": responses.max((1, 2)).tolist(),
    }


def _responses(insight: ModelInsight, picture: bytes) -> dict[str, Any]:
    layer = insight.first_layer
    return drawn_responses(layer.responses(insight.image(picture)), layer.towers)


def _method(request: Request) -> Method:
    method = request.query_params.get("method", "occlusion")
    if method not in METHODS:
        known = " or ".join(METHODS)
        raise Refusal(400, f"Expected method={known} in the address, got {method!r}.")
    return cast(Method, method)


def _class(request: Request) -> int | None:
    given = request.query_params.get("class")
    if given is None:
        return None
    if not (given.isascii() and given.isdecimal() and len(given) < 10):
        raise Refusal(
            400, f"Expected the place of a class, class=0 or more, got {given!r}."
        )
    return int(given)
