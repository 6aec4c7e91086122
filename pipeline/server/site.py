"""The page for asking questions and the page that describes the interface, served as files.

Neither page loads anything from other sites, and browsers are told to allow nothing else.
"""

import hashlib
from importlib.resources import files

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

DESCRIPTION_FILES = {
    "/docs": "docs.html",
    "/site/style.css": "style.css",
    "/site/common.js": "common.js",
    "/site/docs.js": "docs.js",
    "/site/icon.svg": "icon.svg",
}
"""Files of the page that describes the interface, by their addresses."""
SITE_FILES = {"/": "index.html", "/site/ask.js": "ask.js", **DESCRIPTION_FILES}
"""All files of the folder ``pages``, by their addresses."""
_MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_HEADERS = {
    # Browsers keep the files but ask at each visit, so that a new version is seen at once.
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

site = APIRouter(include_in_schema=False)
"""Both pages."""
description_site = APIRouter(include_in_schema=False)
"""The page that describes the interface."""


def _add(router: APIRouter, address: str, name: str) -> None:
    content = files(__package__).joinpath("pages", name).read_bytes()
    headers = {**_HEADERS, "ETag": f'"{hashlib.sha256(content).hexdigest()[:32]}"'}
    media_type = _MEDIA_TYPES[name.rsplit(".", 1)[1]]

    @router.get(address)
    async def _(request: Request) -> Response:
        if _has(request.headers.get("if-none-match", ""), headers["ETag"]):
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type=media_type)


async def _description(request: Request) -> Response:
    """The OpenAPI document; its bytes, which take longer to make than to send, are made once."""
    state = request.app.state
    if not hasattr(state, "description"):
        state.description = JSONResponse(request.app.openapi()).body
    return Response(state.description, media_type="application/json")


def _has(if_none_match: str, etag: str) -> bool:
    """Whether a browser has the file already.

    Source: RFC 9110, section 13.1.2; whether a tag is weak does not matter there.
    """
    tags = [one.strip().removeprefix("W/") for one in if_none_match.split(",")]
    return etag in tags or tags == ["*"]


for _address, _name in SITE_FILES.items():
    _add(site, _address, _name)
for _address, _name in DESCRIPTION_FILES.items():
    _add(description_site, _address, _name)
for _router in (site, description_site):
    _router.add_api_route("/openapi.json", _description)
