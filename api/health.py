"""Whether this process runs, and whether what it depends on answers."""

import asyncio
import logging
from datetime import UTC, timedelta
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest

from api.service import ENGINE_ERRORS, Jiesu, Service, now
from ledger.database import LEDGER_ERRORS
from ledger.migrate import LedgerOutdated, check_tables
from temporal.connection import trouble

log = logging.getLogger("jiesu.api")

router = APIRouter(tags=["health"])

PATIENCE = timedelta(seconds=2)
SEEN_WITHIN = timedelta(seconds=70)
"""An idle worker asks again every minute, give or take."""


class Health(BaseModel):
    """The process runs."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """What we depend on."""

    engine: bool
    ledger: bool
    worker: bool


@router.get("/health", summary="The process runs")
async def health() -> Health:
    """Answers as long as the process does."""
    return Health()


@router.get("/ready", summary="Engine, ledger and a worker answer", responses={503: {"model": Readiness}})
async def ready(response: Response, jiesu: Jiesu) -> Readiness:
    """503 when one of them does not."""
    engine, ledger, worker = await asyncio.gather(_engine(jiesu), _ledger(jiesu), _worker(jiesu))
    if not (engine and ledger and worker):
        response.status_code = 503
    return Readiness(engine=engine, ledger=ledger, worker=worker)


async def _engine(jiesu: Service) -> bool:
    try:
        return await jiesu.client.service_client.check_health(timeout=PATIENCE)
    except ENGINE_ERRORS as error:
        log.warning("not ready: %s", trouble(jiesu.client, error))
        return False


async def _ledger(jiesu: Service) -> bool:
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            await jiesu.ledger.run(check_tables)
    except (*LEDGER_ERRORS, LedgerOutdated, TimeoutError):
        return False
    return True


async def _worker(jiesu: Service) -> bool:
    """Whether a worker has lately asked the engine for steps to take."""
    question = DescribeTaskQueueRequest(
        namespace=jiesu.client.namespace,
        task_queue=TaskQueue(name=jiesu.settings.task_queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            answer = await jiesu.client.workflow_service.describe_task_queue(question, timeout=PATIENCE)
    except (*ENGINE_ERRORS, TimeoutError):
        return False
    return any(now() - poller.last_access_time.ToDatetime(UTC) < SEEN_WITHIN for poller in answer.pollers)
