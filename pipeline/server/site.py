"""The page that people ask on, and the one that describes the interface: files, as they are.

Nothing on them comes from elsewhere, and browsers are told to allow nothing else.
"""

import hashlib
from importlib.resources import files

from fastapi import APIRouter, Request, Response

SITE_FILES = {
    "/": "index.html",
    "/docs": "docs.html",
    "/site/style.css": "style.css",
    "/site/common.js": "common.js",
    "/site/ask.js": "ask.js",
    "/site/docs.js": "docs.js",
    "/site/icon.svg": "icon.svg",
}
"""Files of the folder ``pages``, by their addresses."""
_MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_HEADERS = {
    # Kept, but looked for anew at each visit: a new version of this package is seen at once.
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

site = APIRouter(include_in_schema=False)


def _add(address: str, name: str) -> None:
    """Serve a file at an address."""
    content = files(__package__).joinpath("pages", name).read_bytes()
    headers = {**_HEADERS, "ETag": f'"{hashlib.sha256(content).hexdigest()[:32]}"'}
    media_type = _MEDIA_TYPES[name.rsplit(".", 1)[1]]

    @site.api_route(address, methods=["GET", "HEAD"])
    async def _(request: Request) -> Response:
        if _has(request.headers.get("if-none-match", ""), headers["ETag"]):
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type=media_type)


def _has(if_none_match: str, etag: str) -> bool:
    """Whether a browser has the file already.

    Source: RFC 9110, section 13.1.2; marks of weakness do not count here.
    """
    given = [one.strip().removeprefix("W/") for one in if_none_match.split(",")]
    return etag in given or given == ["*"]


for _address, _name in SITE_FILES.items():
    _add(_address, _name)
