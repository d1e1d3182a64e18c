"""What the routes work with: the city, the ledger and the engine, which starts a case and takes its steps."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import httpx2
from fastapi import Depends, FastAPI, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.types import Scope
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from api.guard import guard_access_log
from api.oidc import Tokens, open_tokens
from api.problems import Problem, Unavailable, malformed, not_found
from api.sight import sight_of
from domain import words
from domain.city import City, load_city
from domain.command import Command
from domain.deadlines import show
from domain.events import Outcome
from domain.refusals import REFUSALS, Refused
from domain.roles import Actor
from ledger.cases import find_case, get_case, opening
from ledger.database import LEDGER_ERRORS, Ledger, open_ledger
from ledger.migrate import check_tables
from ledger.models import CaseRow
from settings import Settings, SmsSettings, read_settings, read_sms_settings
from temporal.codec import Cipher
from temporal.connection import connect, trouble
from temporal.keyring import open_keyring
from temporal.start import start_case
from temporal.steps import NotRunning, Unanswered, ask_for_step
from temporal.tracing import start_tracing
from workflows.names import Taken

log = logging.getLogger("jiesu.api")

PATIENCE = timedelta(seconds=5)

START_SECONDS = 2.0
"""How long an intake, which is durable already, waits for its case to be started before the sweep is left to it."""

ENDED = frozenset(
    {WorkflowExecutionStatus.TERMINATED, WorkflowExecutionStatus.CANCELED, WorkflowExecutionStatus.FAILED}
)

ENGINE_ERRORS = (RPCError, RuntimeError)
"""What an unreachable engine raises: RuntimeError while the first connection has not been made."""

WEB_UI_SECONDS = 90
"""The Web UI keeps a question about what happens next open for half a minute and more."""


@dataclass
class Service:
    """One API process's connections."""

    settings: Settings
    sms: SmsSettings
    city: City
    ledger: Ledger
    client: Client
    tokens: Tokens | None
    """Reads OpenID Connect tokens, where they are set up."""
    codec: Cipher
    web_ui: httpx2.AsyncClient | None
    """Asks the Temporal Web UI, where there is one to be served."""

    def local_time(self, at: datetime) -> str:
        """An instant as the city reads it."""
        return show(at, self.city.rulebook.days)

    async def case(self, number: str, actor: Actor) -> CaseRow:
        """A case the actor may see. Raises Problem 404 for one that is out of their sight, as for one there is not."""
        async with self.ledger.session() as session:
            return await self.find(session, number, actor)

    async def find(self, session: AsyncSession, number: str, actor: Actor) -> CaseRow:
        """`case` within a transaction, so that the reading is recorded together with it."""
        row = await find_case(session, number, sight_of(actor, self.city))
        if row is None:
            raise not_found(number)
        return row

    async def start(self, row: CaseRow) -> None:
        """Start a case's workflow. An engine that does not answer is no reason to refuse: the sweep starts it later.

        Raises NumberTaken when the engine knows another case of that number.
        """
        try:
            async with asyncio.timeout(START_SECONDS):
                await start_case(self.client, self.settings.task_queue, self.city, opening(row))
        except (*ENGINE_ERRORS, TimeoutError) as error:
            log.warning("case %s is accepted but not started yet: %s", row.number, trouble(self.client, error))

    async def take(self, row: CaseRow, command: Command, update_id: str) -> Taken:
        """Ask a case for a step and wait for its answer.

        The same update id gives the same answer, also after the case has closed: as long as the engine keeps history.

        Raises Problem 409 when a rule stands against it, and Unavailable when the engine or its workers do not answer.
        """
        try:
            patience = timedelta(seconds=self.settings.patience)
            return await ask_for_step(self.client, row.number, command, patience, update_id)
        except WorkflowUpdateFailedError as error:
            raise _refused(error) from None
        except NotRunning:
            await self._explain_absence(row.number)
            raise Unavailable("The engine") from None
        except Unanswered:
            raise Unavailable("The engine") from None

    async def _explain_absence(self, number: str) -> None:
        """The engine has no running workflow: the case is closed, or it was never started and now is."""
        async with self.ledger.session() as session:
            row = await get_case(session, number)
        assert row is not None, "cases are never deleted"
        if row.closed_at is not None and row.outcome is not None:
            outcome = Outcome(row.outcome)
            on = self.local_time(row.closed_at)
            closed = Refused("case_closed", on=on, outcome=outcome, outcome_zh=words.OUTCOME[outcome])
            raise Problem(409, closed.code, closed.message, closed.message_zh)
        await self.start(row)
        await self._look_for_end(number)

    async def _look_for_end(self, number: str) -> None:
        """An open case that runs no more was ended behind our back, from Temporal's own tools: people must look."""
        try:
            known = await self.client.get_workflow_handle(number).describe(rpc_timeout=PATIENCE)
        except ENGINE_ERRORS:
            return
        if known.status in ENDED:
            log.error("case %s is open, and its workflow was ended from outside", number)
            raise Problem(
                409,
                "case_halted",
                f"The engine no longer carries case {number}: its workflow was ended from outside. Tell the platform.",
                f"工单{number}的流程已被外部终止，请联系平台运维人员。",
            )


def _refused(error: WorkflowUpdateFailedError) -> Problem | Unavailable:
    cause = error.cause
    if isinstance(cause, ApplicationError) and cause.type in REFUSALS:
        return Problem(409, cause.type, cause.message, cause.details[0])
    if isinstance(cause, ApplicationError) and cause.type in ("malformed", "unknown_step"):
        return malformed(cause.message)
    return Unavailable("The engine")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the connections of one API process. The engine is connected on first use, so that it may start later."""
    guard_access_log()
    settings, sms = read_settings(), read_sms_settings()
    city, keyring = load_city(settings.city_folder), open_keyring(settings)
    async with AsyncExitStack() as stack:
        if (tracing := start_tracing("jiesu-api")) is not None:
            stack.callback(tracing.shutdown)
        ledger = open_ledger(settings.ledger_url)
        stack.push_async_callback(ledger.close)
        with suppress(*LEDGER_ERRORS):  # one that is down at the moment may come up later
            await ledger.run(check_tables)
        if (tokens := open_tokens(settings, city)) is not None:
            stack.push_async_callback(tokens.close)
        if (web_ui := _web_ui(settings)) is not None:
            await stack.enter_async_context(web_ui)
        app.state.service = Service(
            settings=settings,
            sms=sms,
            city=city,
            ledger=ledger,
            client=await connect(keyring, lazy=True),
            tokens=tokens,
            codec=Cipher(keyring),
            web_ui=web_ui,
        )
        yield


def _web_ui(settings: Settings) -> httpx2.AsyncClient | None:
    if settings.web_ui is None:
        return None
    return httpx2.AsyncClient(base_url=str(settings.web_ui), trust_env=False, timeout=WEB_UI_SECONDS)


async def service(request: Request) -> Service:
    """The service of the running app."""
    return service_of(request.scope)


def service_of(scope: Scope) -> Service:
    """The service of the app that an ASGI scope belongs to."""
    found: Service = scope["app"].state.service
    return found


Jiesu = Annotated[Service, Depends(service)]
"""What a route asks for."""


def now() -> datetime:
    """The present, UTC."""
    return datetime.now(UTC)
