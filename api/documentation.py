"""What the interface says of itself: OpenAPI, and pages that show it and load nothing from another host."""

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import fastapi_offline
from fastapi import FastAPI
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

from api.problems import MEDIA_TYPE, problems

ASSETS = Path(fastapi_offline.__file__).parent / "static"

PROBLEM = {"schema": {"$ref": "#/components/schemas/ProblemBody"}}
OF_BODIES = (400, 408, 413)
"""How a body itself is refused, whatever is asked."""


class Api(FastAPI):
    """An app whose documentation knows what problems are, and needs no other host."""

    def __init__(self, **more: Any) -> None:
        super().__init__(docs_url=None, redoc_url=None, **more)
        self.mount("/docs/assets", StaticFiles(directory=ASSETS))
        self._page("/docs", _swagger(self.title))
        self._page("/redoc", _redoc(self.title))

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, with refusals under the media type they are sent as."""
        document = super().openapi()
        for operations in document["paths"].values():
            for operation in operations.values():
                _complete(operation)
        return document

    def _page(self, path: str, page: HTMLResponse) -> None:
        async def show() -> HTMLResponse:
            return page

        self.add_api_route(path, show, include_in_schema=False)


def _complete(operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    if "requestBody" in operation and "default" not in responses:
        for status, problem in problems(*OF_BODIES).items():
            responses.setdefault(str(status), {"description": problem["description"], "content": {MEDIA_TYPE: PROBLEM}})
    for response in responses.values():
        content = response.get("content", {})
        if content.get("application/json") == PROBLEM:
            content[MEDIA_TYPE] = content.pop("application/json")


def _swagger(title: str) -> HTMLResponse:
    page = get_swagger_ui_html(
        openapi_url="openapi.json",
        title=title,
        swagger_js_url="docs/assets/swagger-ui-bundle.js",
        swagger_css_url="docs/assets/swagger-ui.css",
        swagger_favicon_url="docs/assets/favicon.png",
    )
    return _closed(page)


def _redoc(title: str) -> HTMLResponse:
    page = get_redoc_html(
        openapi_url="openapi.json",
        title=title,
        redoc_js_url="docs/assets/redoc.standalone.js",
        redoc_favicon_url="docs/assets/favicon.png",
        with_google_fonts=False,
    )
    return _closed(page)


def _closed(page: HTMLResponse) -> HTMLResponse:
    """The page with a policy under which it runs its own scripts and those of our origin, and reaches nobody else."""
    own = re.findall(rb"<script>(.*?)</script>", bytes(page.body), re.DOTALL)
    hashes = [f"'sha256-{b64encode(sha256(script).digest()).decode()}'" for script in own]
    policy = {
        "default-src": ["'none'"],
        "script-src": ["'self'", *hashes],
        "style-src": ["'self'", "'unsafe-inline'"],
        "img-src": ["'self'", "data:"],
        "worker-src": ["blob:"],
        "connect-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
    page.headers["Content-Security-Policy"] = "; ".join(" ".join([name, *sources]) for name, sources in policy.items())
    return page
