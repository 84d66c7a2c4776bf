"""The web application: the routes of a network that is served."""

from collections.abc import Callable, Sequence

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from keras_alexnet.serving.metrics import CONTENT_TYPE
from keras_alexnet.serving.options import ServingOptions
from keras_alexnet.serving.predictions import predictions_router
from keras_alexnet.serving.refusal import Refusal
from keras_alexnet.serving.service import Service
from keras_alexnet.trained.network import TrainedNetwork

MakeRouter = Callable[[Service], APIRouter]
ROUTERS: tuple[MakeRouter, ...] = (predictions_router,)


def create_app(
    network: TrainedNetwork,
    options: ServingOptions | None = None,
    *,
    routers: Sequence[MakeRouter] = (),
) -> FastAPI:
    """Make the application; it warms up before it answers.

    Args:
        network: What answers.
        options: See the class; None: its defaults.
        routers: Further routes: functions from the service, which has the limits that
            all share, to a router.

    Returns:
        An ASGI application; `app.state.service` is what its routes share.
    """
    service = Service(network, options or ServingOptions())
    app = FastAPI(
        docs_url=None,  # its page loads from elsewhere
        redoc_url=None,
        openapi_url=None,
        lifespan=lambda app: service.running(),
    )
    app.state.service = service
    for make in (*ROUTERS, *routers):
        app.include_router(make(service))

    @app.get("/metrics")
    async def metrics() -> Response:
        service.metrics.queue_pictures.set(service.model.batcher.taken)
        return Response(service.metrics.page(), media_type=CONTENT_TYPE)

    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(HTTPException, _unknown)
    app.add_exception_handler(ClientDisconnect, _gone)
    return app


async def _refused(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)
    return JSONResponse(
        {"error": refusal.reason}, refusal.status, headers=refusal.headers
    )


async def _unknown(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code)


async def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=499)  # nobody reads it; the log has it
