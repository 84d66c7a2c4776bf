"""`GET /`, the page for people: one static file. `GET /network`, what it shows."""

import base64
import hashlib
import re
from collections.abc import Callable
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from keras_alexnet.inference.drawings import data_url, sheet
from keras_alexnet.inference.explainer import METHODS
from keras_alexnet.serving.explanations import SHEET_COLUMNS, explanations_router
from keras_alexnet.serving.insight import Insight, ModelInsight
from keras_alexnet.serving.service import Service

if TYPE_CHECKING:
    from keras_alexnet.trained.neighbour_search import NeighbourSearch

PAGE_FILE = "page.html"
_INLINE = {"style-src": "style", "script-src": "script"}


def page_with_insight(
    search: "NeighbourSearch | None" = None,
) -> Callable[[Service], APIRouter]:
    """Return what makes the routes of the page and of all that it asks for.

    Args:
        search: Of the nearest pictures; None: the page shows none.
    """

    def make(service: Service) -> APIRouter:
        insight = Insight(service)
        router = APIRouter()
        router.include_router(page_router(service, insight, search is not None))
        router.include_router(explanations_router(service, insight))
        if search is not None:
            # Here, because an export has no features and needs no Keras.
            from keras_alexnet.serving.neighbours import neighbours_router

            router.include_router(neighbours_router(service, insight, search))
        return router

    return make


def page_router(
    service: Service, insight: Insight, has_neighbours: bool = False
) -> APIRouter:
    """Return the routes `GET /` and `GET /network`.

    Args:
        service: That the page asks.
        insight: Into its network.
        has_neighbours: Whether there is `POST /neighbours`.
    """
    router = APIRouter()
    text = resources.files("keras_alexnet.serving").joinpath(PAGE_FILE).read_bytes()
    headers = page_headers(text)

    @router.get("/")
    async def page(request: Request) -> Response:
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return Response(text, media_type="text/html; charset=utf-8", headers=headers)

    @router.get("/network")
    async def network(request: Request) -> JSONResponse:
        facts = await insight.look(request, None, _facts)
        options = service.options
        return JSONResponse(
            {
                **facts,
                "name": options.name,
                "neighbours": has_neighbours,
                "most_bytes": options.max_bytes,
            }
        )

    return router


def page_headers(page: bytes) -> dict[str, str]:
    """Return the headers of a page that may use only what is in it, and its server.

    Args:
        page: HTML, whose scripts and styles are allowed by their SHA-256.
    """
    inline = {
        name: " ".join(
            f"'sha256-{base64.b64encode(hashlib.sha256(each).digest()).decode()}'"
            for each in _contents(page, element)
        )
        for name, element in _INLINE.items()
    }
    policy = {
        "default-src": "'none'",
        "img-src": "'self' blob: data:",
        **inline,
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{n} {v}" for n, v in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",  # asked for again, and answered by 304
        "ETag": f'"{hashlib.sha256(page).hexdigest()[:32]}"',
    }


def _contents(page: bytes, element: str) -> list[bytes]:
    name = element.encode()
    return re.findall(rb"<%s>(.*?)</%s>" % (name, name), page, re.DOTALL)


def _facts(insight: ModelInsight) -> dict[str, Any]:
    """Return what the page shows of a network, and what it can ask about it."""
    network = insight.network
    facts: dict[str, Any] = {
        "preset": network.config.preset.name,
        "classes": len(network.labels),
        "size": network.preprocessing.input_size,
        "explanations": list(METHODS),
        "first_layer": None,
    }
    if not insight.has_gradients:
        return {**facts, "explanations": ["occlusion"]}
    layer = insight.first_layer
    towers = np.split(layer.kernels, layer.towers)
    return {
        **facts,
        "first_layer": {
            "columns": SHEET_COLUMNS,
            "kernel": layer.kernels.shape[1],
            "channels": len(towers[0]),
            "towers": [data_url(sheet(kernels, SHEET_COLUMNS)) for kernels in towers],
        },
    }
