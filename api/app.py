"""The HTTP interface."""

from fastapi import FastAPI

from api import (
    access_log,
    alerts,
    attachments,
    cases,
    codec,
    commitments,
    dossier,
    events,
    findings,
    health,
    intake,
    partner_webhooks,
    receipts,
    refused,
    rules,
    sign_in,
    steps,
    systems,
    timeline,
    tracking,
    unit_webhooks,
    web_ui,
)
from api.documentation import Api
from api.guard import Guard
from api.open311 import ROUTERS as OPEN311
from api.open311.pages import AnyPage
from api.open311.wire import ApiKey, Faults
from api.problems import add_handlers, problems
from api.rates import Rates
from api.repeating import Keyed
from api.service import lifespan
from api.starting import PlainStart

DESCRIPTION = """
Every request of a citizen is a case; every step of a case is a plain verb. Refusals are RFC 9457 problems with a `code`
and a sentence in English and Chinese. Repeat a request with the same `Idempotency-Key` and it is carried out once; one
sent without a key is given one, and every answer to a POST tells it in the header `Idempotency-Key`.
"""


def create_app() -> FastAPI:
    """The whole interface."""
    app = Api(
        title="Jiesu 接诉",
        version="0.1.0",
        description=DESCRIPTION,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.add_middleware(Rates)
    app.add_middleware(ApiKey)
    app.add_middleware(codec.CodecCors)
    app.add_middleware(Guard)
    app.add_middleware(Faults)
    app.add_middleware(AnyPage)
    app.add_middleware(Keyed)
    app.add_middleware(PlainStart)
    add_handlers(app)
    app.include_router(health.router)
    app.include_router(sign_in.router)
    app.include_router(web_ui.router)
    for open311 in OPEN311:
        app.include_router(open311)
    for router in (
        intake.router,
        cases.router,
        timeline.router,
        access_log.router,
        dossier.router,
        findings.router,
        attachments.router,
        tracking.router,
        receipts.router,
        steps.create_router(),
        rules.router,
        commitments.router,
        refused.router,
        events.router,
        alerts.router,
        systems.router,
        unit_webhooks.router,
        partner_webhooks.router,
        codec.router,
    ):
        app.include_router(router, responses=problems(401, 403, 422, 429, 503))
    _build_routes(app)
    return app


def _build_routes(app: FastAPI) -> None:
    """Look once for what no route is at: FastAPI builds a route when it first looks at it, else amid the requests."""
    for route in app.routes:
        route.matches({"type": "http", "method": "GET", "path": "/", "headers": []})
