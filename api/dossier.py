"""The full record of a case (全程档案), for programs and for people."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse

from api.access import allowed
from api.access_log import record_reading
from api.fields import CaseNumber
from api.problems import not_found, problems
from api.service import Jiesu, Service
from domain.roles import Actor, may
from ledger.dossier import Record, gather
from ledger.dossier_page import render

router = APIRouter(tags=["reading"])

PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page brings its style with it; no script runs on it, and it loads nothing."""


@router.get(
    "/cases/{number}/record",
    summary="Export the full record (全程档案)",
    response_model=Record,
    responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}, **problems(404, 409)},
)
async def record(
    request: Request,
    response: Response,
    number: CaseNumber,
    actor: Annotated[Actor, Depends(allowed("export"))],
    jiesu: Jiesu,
    form: Annotated[
        Literal["json", "html"] | None,
        Query(alias="format", description="Without it, a page for whoever accepts `text/html`, else JSON."),
    ] = None,
) -> Record | HTMLResponse:
    """Everything the ledger has of a case, and whether it is still what was once recorded. Reading it is recorded.

    Findings and readers are in it for the posts that may read them.
    """
    async with jiesu.ledger.session() as session:
        await record_reading(session, actor, await jiesu.find(session, number, actor), "record")
    found = await _gather(jiesu, number, actor)
    if form == "html" or (form is None and "text/html" in request.headers.get("Accept", "")):
        headers = {"Content-Security-Policy": PAGE_POLICY, **_named(f'inline; filename="{number}.html"')}
        return HTMLResponse(await asyncio.to_thread(render, found, jiesu.city), headers=headers)
    response.headers.update(_named(f'attachment; filename="{number}.json"'))
    return found


async def _gather(jiesu: Service, number: str, actor: Actor) -> Record:
    found = await jiesu.ledger.run(
        gather, number, jiesu.city, findings=may(actor.role, "read-findings"), reads=may(actor.role, "read-readers")
    )
    if found is None:
        raise not_found(number)
    return found


def _named(disposition: str) -> dict[str, str]:
    return {"Content-Disposition": disposition}
