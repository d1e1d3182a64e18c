"""The HTTP interface: `uvicorn api.app:create_app --factory`."""

from typing import Any

from fastapi import FastAPI

from api import health, intake, reading, rules, steps
from api.guard import Guard
from api.problems import MEDIA_TYPE, add_handlers, problems
from api.repeating import Keyed
from api.service import lifespan

DESCRIPTION = """
Every request of a citizen is a case; every step of a case is a plain verb. Refusals are RFC 9457 problems with a `code`
and a sentence in English and Chinese. Repeat a request with the same `Idempotency-Key` and it is carried out once; one
sent without a key is given one, and every answer to a POST tells it in the header `Idempotency-Key`.
"""


class Api(FastAPI):
    """An app whose documentation knows what problems are."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, with refusals under the media type they are sent as."""
        document = super().openapi()
        for operations in document["paths"].values():
            for operation in operations.values():
                for response in operation["responses"].values():
                    _as_problem(response.get("content", {}))
        return document


def _as_problem(content: dict[str, Any]) -> None:
    if content.get("application/json", {}).get("schema") == {"$ref": "#/components/schemas/ProblemBody"}:
        content[MEDIA_TYPE] = content.pop("application/json")


def create_app() -> FastAPI:
    """The whole interface."""
    app = Api(
        title="Jiesu 接诉",
        version="0.1.0",
        description=DESCRIPTION,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.add_middleware(Guard)
    app.add_middleware(Keyed)
    add_handlers(app)
    app.include_router(health.router)
    for router in (intake.router, reading.router, steps.create_router(), rules.router):
        app.include_router(router, responses=problems(401, 403, 422, 503))
    return app
