"""The web application: addresses, errors, and what wraps them."""

from importlib.metadata import version

from fastapi import FastAPI, Request, Response
from starlette.middleware import Middleware

from .engines import routers as engine_routers
from .gate import Gate, RequestLog
from .handling import REFUSALS, service_of
from .refusals import add_refusals
from .routes import indexes, router
from .schemas import HealthReply
from .service import Service
from .site import site

_DESCRIPTION = """
Answers to questions, with the passage they are from and their place in it, over corpora that have
been read ahead of time. `search` and `doc` are those of pyserini's server. Errors are
`{"error": {"type", "message", ...}, "request_id"}`.
"""


def create_app(service: Service) -> FastAPI:
    """The application of a service.

    Args:
        service: Must outlive it; the application does not close it.
    """
    app = FastAPI(
        title="preread",
        version=version("preread"),
        description=_DESCRIPTION,
        docs_url=None,  # FastAPI's own take scripts from elsewhere; `site` has another
        redoc_url=None,
        middleware=[Middleware(RequestLog, service=service), Middleware(Gate, service=service)],
    )
    app.state.service = service
    app.include_router(site)
    app.add_api_route("/v1", indexes, summary="What is served", responses=REFUSALS)
    for one in (router, *engine_routers):
        app.include_router(one)
    app.add_api_route("/health", _health, summary="Whether the process works")
    app.add_api_route("/ready", _ready, summary="Whether it takes requests")
    app.add_api_route("/metrics", _metrics, summary="Numbers for Prometheus")
    add_refusals(app)
    return app


async def _health(request: Request, response: Response) -> HealthReply:
    """200 as long as the threads that answer are alive."""
    service = service_of(request)
    return _state(service, response, is_fine=service.is_healthy, otherwise="broken")


async def _ready(request: Request, response: Response) -> HealthReply:
    """200 as long as requests are taken; 503 while the server shuts down."""
    service = service_of(request)
    is_fine = service.is_healthy and not service.traffic.is_draining
    return _state(service, response, is_fine=is_fine, otherwise="shutting_down")


def _state(service: Service, response: Response, *, is_fine: bool, otherwise: str) -> HealthReply:
    response.status_code = 200 if is_fine else 503
    return HealthReply(status="ok" if is_fine else otherwise, indexes=list(service.indexes))


async def _metrics(request: Request) -> Response:
    """Prometheus' text format."""
    content = service_of(request).metrics.text()
    return Response(content, media_type="text/plain; version=0.0.4; charset=utf-8")
