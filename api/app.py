"""The HTTP interface: `uvicorn api.app:create_app --factory`."""

from fastapi import FastAPI

from api import health, intake, reading, rules, steps
from api.problems import add_handlers
from api.service import lifespan

DESCRIPTION = """
Every request of a citizen is a case; every step of a case is a plain verb. Refusals are RFC 9457 problems with a `code`
and a sentence in English and Chinese. Repeat a request with the same `Idempotency-Key` and it is carried out once.
"""


def create_app() -> FastAPI:
    """The whole interface, one router per audience."""
    app = FastAPI(title="Jiesu 接诉", version="0.1.0", description=DESCRIPTION, lifespan=lifespan)
    add_handlers(app)
    app.include_router(health.router)
    app.include_router(intake.router)
    app.include_router(reading.router)
    app.include_router(steps.create_router())
    app.include_router(rules.router)
    return app
