"""The inbox page's files, served from the package."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

_FOLDER: Final = Path(__file__).parent / "page"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.-]*", re.IGNORECASE)
_CONTENT_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}


async def _index(_: Request) -> Response:
    return _file("index.html")


async def _static(request: Request) -> Response:
    return _file(request.path_params["name"])


def _file(name: str) -> Response:
    path = _FOLDER / name
    content_type = _CONTENT_TYPES.get(path.suffix)
    if content_type is None or not _NAME.fullmatch(name) or not path.is_file():
        raise HTTPException(404)
    return Response(path.read_bytes(), headers={"Content-Type": content_type})


ROUTES: Final = (Route("/", _index), Route("/_sandbox/static/{name}", _static))
