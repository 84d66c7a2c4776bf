"""`POST /neighbours`: the pictures of an index that the network sees as nearest.

No path is taken from a request: what is shown are files that the index itself names.
"""

from pathlib import Path
from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from PIL import Image

from keras_alexnet.inference.drawings import data_url
from keras_alexnet.serving.explanations import only
from keras_alexnet.serving.insight import Insight
from keras_alexnet.serving.refusal import Refusal
from keras_alexnet.serving.service import Service
from keras_alexnet.trained.neighbour_search import Neighbour, NeighbourSearch
from tfrecords.images.decode import Rejected, decode, header_size
from tfrecords.plain_text import printable

COUNT = 6
THUMBNAIL = 128  # pixels


def neighbours_router(
    service: Service, insight: Insight, search: NeighbourSearch
) -> APIRouter:
    """Return the route."""
    router = APIRouter()

    @router.post("/neighbours")
    async def neighbours(request: Request) -> JSONResponse:
        async with service.uploads(request) as uploads:
            picture = only(uploads)

            def find(_: Any) -> list[dict[str, Any]]:
                (found,) = search.nearest([picture], COUNT)
                if isinstance(found, str):
                    raise Refusal(422, found)
                return [_described(near, service) for near in found]

            found = await insight.look(request, picture, find)
        return JSONResponse({"neighbours": found})

    return router


def thumbnail(path: Path, most_bytes: int, most_pixels: int) -> np.ndarray | None:
    """Return the central square of a picture, or None where there is none to show.

    Args:
        path: A file; of another kind than a picture, nothing is shown.
        most_bytes: Of a file that is read.
        most_pixels: Of a picture that is decoded.

    Returns:
        uint8 `(THUMBNAIL, THUMBNAIL, 3)`.
    """
    try:
        if not path.is_file() or path.stat().st_size > most_bytes:
            return None
        data = path.read_bytes()
        width, height = header_size(data)
        if width * height > most_pixels:
            return None
        pixels = decode(data)
    except (OSError, Rejected):
        return None
    height, width = pixels.shape[:2]
    side = min(height, width)
    left, top = (width - side) // 2, (height - side) // 2
    cut = Image.fromarray(pixels[top : top + side, left : left + side])
    square = cut.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BICUBIC)
    return np.asarray(square)


def _described(near: Neighbour, service: Service) -> dict[str, Any]:
    shown = None
    if near.label is None:  # what has a label is of a dataset, and no file
        options = service.options
        shown = thumbnail(Path(near.file), options.max_bytes, options.max_pixels)
    return {
        "name": printable(Path(near.file).name),
        "distance": near.distance,
        "label": near.label,
        "picture": None if shown is None else data_url(shown, "JPEG"),
    }
