"""The web application: its addresses, its refusals, and what wraps them."""

from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response
from starlette.middleware import Middleware
from starlette.routing import Route

from .engines import routers as engine_routers
from .gate import Gate, Guarded, HeadAsGet, RequestLog
from .handling import REFUSALS, service_of
from .refusals import add_refusals
from .routes import indexes, router
from .schemas.server import HealthReply
from .sentence_routes import router as sentence_router
from .service import Service
from .site import site

if TYPE_CHECKING:
    from fastmcp.server.http import StarletteWithLifespan
    from starlette.types import Lifespan

MCP_PATH = "/mcp"
"""Where language models reach the tools, if the server has them."""

_DESCRIPTION = """
Answers to questions, each with its passage and its place there, over corpora that were read ahead
of time. `search` and `doc` have the requests and replies of pyserini's server. Refusals are
`{"error": {"type", "message", ...}, "request_id"}`.
"""


def create_app(service: Service) -> FastAPI:
    """Make the application of a service.

    Args:
        service: The service. It must outlive the application, which does not close it.
    """
    tools = _tools(service) if service.config.mcp else None
    app = guarded_app(service, lifespan=None if tools is None else tools.lifespan)
    app.state.service = service
    if tools is not None:
        app.router.routes.append(Route(MCP_PATH, tools, name="mcp"))
    app.include_router(site)
    app.add_api_route("/v1", indexes, summary="List the indexes", responses=REFUSALS)
    for one in (router, sentence_router, *engine_routers):
        app.include_router(one)
    app.add_api_route(
        "/health", _health, summary="Whether the process works", response_model_exclude_none=True
    )
    app.add_api_route(
        "/ready",
        _ready,
        summary="Whether the server accepts requests",
        response_model_exclude_none=True,
    )
    app.add_api_route("/metrics", _metrics, summary="Metrics for Prometheus")
    return app


def _tools(service: Service) -> "StarletteWithLifespan":
    """The tools of the Model Context Protocol over HTTP.

    They keep no sessions: each request has its reply, and a client that goes away leaves nothing.
    The gate has checked the host already.
    """
    from .mcp_tools import create_mcp  # the import of fastmcp takes seconds

    return create_mcp(service).http_app(
        path=MCP_PATH, stateless_http=True, json_response=True, host_origin_protection=False
    )


def guarded_app(service: Guarded, lifespan: "Lifespan[FastAPI] | None" = None) -> FastAPI:
    """Make an application without addresses, behind the gate.

    Args:
        service: What the gate must know.
        lifespan: Begins and ends with the application.
    """
    app = FastAPI(
        lifespan=lifespan,
        title="preread",
        version=version("preread"),
        description=_DESCRIPTION,
        docs_url=None,  # FastAPI's own pages load scripts from other sites
        redoc_url=None,
        openapi_url=None,  # it would make the document anew for every request
        middleware=[
            Middleware(RequestLog, service=service),
            Middleware(Gate, service=service),
            Middleware(HeadAsGet),
        ],
    )
    add_refusals(app)
    return app


async def _health(request: Request, response: Response) -> HealthReply:
    """Status 200 while the threads that answer are alive."""
    service = service_of(request)
    return _state(request, response, is_fine=service.is_healthy, otherwise="broken")


async def _ready(request: Request, response: Response) -> HealthReply:
    """Status 200 while requests are accepted, 503 while the server shuts down."""
    service = service_of(request)
    is_fine = service.is_healthy and not service.traffic.is_draining
    return _state(request, response, is_fine=is_fine, otherwise="shutting_down")


def _state(request: Request, response: Response, *, is_fine: bool, otherwise: str) -> HealthReply:
    service = service_of(request)
    response.status_code = 200 if is_fine else 503
    may_know = service.keys.admit(request.headers)
    return HealthReply(
        status="ok" if is_fine else otherwise,
        indexes=list(service.indexes) if may_know else None,
    )


async def _metrics(request: Request) -> Response:
    """Metrics in Prometheus' text format."""
    content = service_of(request).metrics.text()
    return Response(content, media_type="text/plain; version=0.0.4; charset=utf-8")
