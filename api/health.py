"""Whether this process runs, and whether what it depends on answers."""

import asyncio
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel
from sqlalchemy import text

from api.service import ENGINE_ERRORS, Service, service
from ledger.database import LEDGER_ERRORS

router = APIRouter(tags=["health"])

PATIENCE = timedelta(seconds=2)


class Health(BaseModel):
    """The process runs."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """What we depend on."""

    engine: bool
    ledger: bool


@router.get("/health", summary="The process runs")
async def health() -> Health:
    """Answers as long as the process does."""
    return Health()


@router.get("/ready", summary="Engine and ledger answer", responses={503: {"model": Readiness}})
async def ready(response: Response, jiesu: Annotated[Service, Depends(service)]) -> Readiness:
    """503 when one of them does not."""
    found = Readiness(engine=await _engine(jiesu), ledger=await _ledger(jiesu))
    if not (found.engine and found.ledger):
        response.status_code = 503
    return found


async def _engine(jiesu: Service) -> bool:
    try:
        return await jiesu.client.service_client.check_health(timeout=PATIENCE)
    except ENGINE_ERRORS:
        return False


async def _ledger(jiesu: Service) -> bool:
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()), jiesu.ledger.session() as session:
            await session.execute(text("SELECT 1"))
    except (*LEDGER_ERRORS, TimeoutError):
        return False
    return True
