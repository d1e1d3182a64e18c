"""What the routes work with: the city, the ledger and the engine, and the two things asked of the engine."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fastapi import FastAPI, Request
from temporalio.client import Client, WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from api.problems import Problem, not_found, unavailable
from domain.case import Opening
from domain.city import City, load_city
from domain.command import Command
from domain.deadlines import show
from domain.refusals import Refused
from domain.roles import Actor, Role
from ledger.cases import get_case, has_case
from ledger.database import Ledger, open_ledger
from ledger.models import CaseRow
from settings import Settings
from temporal.connection import connect
from temporal.start import start_case
from workflows.names import Taken

log = logging.getLogger("jiesu.api")

PATIENCE = timedelta(seconds=10)
"""How long a step may wait for a worker before the caller is asked to repeat it."""


@dataclass
class Service:
    """One API process's connections."""

    settings: Settings
    city: City
    ledger: Ledger
    client: Client

    def local_day(self, at: datetime) -> str:
        """An instant as the city reads it."""
        return show(at, self.city.rulebook.days)

    async def case(self, number: str, actor: Actor) -> CaseRow:
        """A case the actor may see. Raises Problem 404 for others: a unit sees only its own."""
        async with self.ledger.session() as session:
            row = await get_case(session, number)
            if row is None or (actor.role is Role.UNIT and not await has_case(session, number, actor.unit)):
                raise not_found(number)
        return row

    async def start(self, row: CaseRow) -> None:
        """Start a case's workflow. An engine that does not answer is no reason to refuse: the sweep starts it later."""
        try:
            await start_case(self.client, self.settings.task_queue, self.city, opening(row))
        except RPCError as error:
            log.warning("case %s is accepted but not started yet: %s", row.number, error.status.name)

    async def take(self, row: CaseRow, command: Command, update_id: str) -> Taken:
        """Ask a case for a step and wait for its answer; the same update id gives the same answer.

        Raises Problem: 409 when a rule stands against it, 503 when the engine or its workers do not answer.
        """
        handle = self.client.get_workflow_handle(row.number)
        try:
            taken: Taken = await handle.execute_update(
                command.step, command, id=update_id, result_type=Taken, rpc_timeout=PATIENCE
            )
            return taken
        except WorkflowUpdateFailedError as error:
            raise _refused(error) from None
        except WorkflowUpdateRPCTimeoutOrCancelledError:
            raise unavailable("The engine") from None
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise unavailable("The engine") from None
        await self._explain_absence(row.number)
        raise unavailable("The engine")

    async def _explain_absence(self, number: str) -> None:
        """The engine has no running workflow: the case is closed, or it was never started and now is."""
        async with self.ledger.session() as session:
            row = await get_case(session, number)
        assert row is not None, "cases are never deleted"
        if row.closed_at is not None:
            closed = Refused("case_closed", on=self.local_day(row.closed_at), outcome=row.outcome)
            raise Problem(409, closed.code, closed.message, closed.message_zh)
        await self.start(row)


def opening(row: CaseRow) -> Opening:
    """What the engine is told of a case: codes only."""
    return Opening(
        number=row.number,
        received_at=row.received_at,
        by=Actor(role=Role(row.opened_role), id=row.opened_id),
        channel=row.channel,
        category=row.category,
        item=row.item,
        outage=row.outage,
        province=row.province,
        grid=row.grid,
        marks=row.marks,
    )


def _refused(error: WorkflowUpdateFailedError) -> Problem:
    cause = error.cause
    if not isinstance(cause, ApplicationError):
        return unavailable("The engine")
    if cause.type in ("malformed", "unknown_step"):
        return Problem(422, cause.type, cause.message)
    return Problem(409, cause.type or "refused", cause.message, cause.details[0] if cause.details else None)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the connections of one API process. The engine is connected on first use, so that it may start later."""
    settings = Settings()
    ledger = open_ledger(settings.ledger_url)
    client = await connect(lazy=True)
    app.state.service = Service(settings=settings, city=load_city(settings.city_folder), ledger=ledger, client=client)
    yield
    await ledger.close()


def service(request: Request) -> Service:
    """The service of the running app."""
    found: Service = request.app.state.service
    return found


def now() -> datetime:
    """The present, UTC."""
    return datetime.now(UTC)
