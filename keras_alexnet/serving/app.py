"""The web application: the routes of a network that is served."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect

from keras_alexnet.serving.access_control import AccessControl, refused
from keras_alexnet.serving.access_log import GONE, AccessLog
from keras_alexnet.serving.binary_tensors import HEADER_LENGTH
from keras_alexnet.serving.metrics import CONTENT_TYPE
from keras_alexnet.serving.open_inference import open_inference_router
from keras_alexnet.serving.options import ServingOptions
from keras_alexnet.serving.page import page_with_insight
from keras_alexnet.serving.predictions import predictions_router
from keras_alexnet.serving.refusal import Refusal
from keras_alexnet.serving.service import OpenNetwork, Service
from keras_alexnet.serving.tensorflow_serving import tensorflow_serving_router
from keras_alexnet.trained.network import TrainedNetwork
from keras_alexnet.trained.opening import load

if TYPE_CHECKING:
    from keras_alexnet.trained.neighbour_search import NeighbourSearch

MakeRouter = Callable[[Service], APIRouter]
ROUTERS: tuple[MakeRouter, ...] = (
    predictions_router,
    tensorflow_serving_router,
    open_inference_router,
)


def create_app(
    network: TrainedNetwork,
    options: ServingOptions | None = None,
    *,
    folder: Path | None = None,
    load: OpenNetwork = load,
    hosts: Sequence[str] = (),
    key: str | None = None,
    search: "NeighbourSearch | None" = None,
    routers: Sequence[MakeRouter] = (),
) -> FastAPI:
    """Make the application; it warms up before it answers.

    Args:
        network: What answers.
        options: See the class; None: its defaults.
        folder: Of versions of a SavedModel, of which the newest good one answers; None:
            the network is all there is.
        load: From the folder of a version to its network.
        hosts: Names by which it may be called, without port; empty: any.
        key: That requests have to bear; None: none.
        search: Of nearest pictures, which the page shows then.
        routers: Further routes: functions from the service, which has the limits that
            all share, to a router.

    Returns:
        An ASGI application; `app.state.service` is what its routes share.

    Raises:
        UserError: An option is wrong, or the network cannot be served so.
    """
    options = options or ServingOptions()
    options.check()
    service = Service(network, options, folder=folder, load=load)
    app = FastAPI(
        docs_url=None,  # its page loads from elsewhere
        redoc_url=None,
        openapi_url=None,
        lifespan=lambda app: service.running(),
        redirect_slashes=False,
    )
    app.state.service = service
    for make in (*ROUTERS, page_with_insight(search), *routers):
        app.include_router(make(service))

    @app.get("/metrics")
    async def metrics() -> Response:
        service.metrics.queue_pictures.set(service.model.batcher.taken)
        return Response(service.metrics.page(), media_type=CONTENT_TYPE)

    _answer_errors(app)
    _add_middleware(app, service, hosts, key)
    return app


def _add_middleware(
    app: FastAPI, service: Service, hosts: Sequence[str], key: str | None
) -> None:
    """Let strangers be refused and requests be counted; the last sees them first."""
    options = service.options
    origins = options.allow_origin
    app.add_middleware(AccessControl, hosts=hosts, origins=origins, key=key)
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=("GET", "POST"),
            allow_headers=("Authorization", "Content-Type", HEADER_LENGTH),
            expose_headers=(HEADER_LENGTH, "Retry-After"),
        )
    app.add_middleware(
        AccessLog, metrics=service.metrics, log_format=options.log_format
    )


def _answer_errors(app: FastAPI) -> None:
    """Let every error be `{"error": "one line"}`, as both protocols have it."""

    async def refuse(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        return refused(error)

    async def unknown(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        answer = refused(Refusal(error.status_code, error.detail))
        answer.headers.update(error.headers or {})
        return answer

    async def gone(request: Request, error: Exception) -> Response:
        return Response(status_code=GONE)  # for the log; nobody reads it

    async def fault(request: Request, error: Exception) -> Response:
        # What it says stays here; the traceback goes to standard error.
        return refused(Refusal(500, "A fault of the server; its log shows where."))

    app.add_exception_handler(Refusal, refuse)
    app.add_exception_handler(HTTPException, unknown)
    app.add_exception_handler(ClientDisconnect, gone)
    app.add_exception_handler(Exception, fault)
