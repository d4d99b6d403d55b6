"""The page at /docs: the interface, described and to be tried. Everything on it comes from this server."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

ASSETS = "/docs/assets"
# Swagger UI sets styles from its script, and has its icons in the style sheet as data.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; font-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Leadlane HTTP</title>
<link rel="stylesheet" href="{ASSETS}/swagger-ui.css">
<link rel="icon" href="data:,">
</head>
<body>
<div id="docs"></div>
<script src="{ASSETS}/swagger-ui-bundle.js"></script>
<script src="/docs/docs.js"></script>
</body>
</html>
"""


def add_docs(api: FastAPI) -> None:
    """Serve the page, with the Swagger UI that the package fastapi-offline brings."""
    own = Path(__file__).parent / "static"
    api.add_route("/docs", _docs, include_in_schema=False)
    api.mount(ASSETS, StaticFiles(packages=[("fastapi_offline", "static")]), name="docs assets")
    api.mount("/docs", StaticFiles(directory=own), name="docs")


async def _docs(_request: Request) -> Response:
    return HTMLResponse(_PAGE, headers={"content-security-policy": _POLICY})


async def to_docs(_request: Request) -> Response:
    """Whoever opens the bare address in a browser wants to see something."""
    return RedirectResponse("/docs")
