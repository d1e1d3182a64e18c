"""Looking after cases from outside: starting what a crash left unstarted, and bringing a new calendar to open cases."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from temporalio import activity
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.service import RPCError

from domain.city import City
from domain.roles import Actor, Role
from domain.steps.upkeep import ChangeCalendar
from ledger.cases import open_cases, opening, unstarted
from ledger.database import LEDGER_ERRORS, Ledger
from ledger.errors import Unreadable
from ledger.models import CaseRow
from temporal.start import NumberTaken, start_case, travelling_calendar
from temporal.steps import NotRunning, Unanswered, ask_for_step
from workflows.names import KEEP_SWEEPING, SHIFT

log = logging.getLogger("jiesu.upkeep")

GRACE = timedelta(seconds=10)
"""An intake younger than this is still being started by the API that took it."""
PAUSE = timedelta(seconds=5)
BATCH = 500
AT_ONCE = 20
PATIENCE = timedelta(seconds=30)
SWEPT_AT_ONCE = 50


class Sweeper:
    """Starts cases that were accepted but never started: by shifts, and once when a worker starts."""

    def __init__(
        self,
        client: Client,
        ledger: Ledger,
        city: City,
        task_queue: str,
        then: Mapping[str, Callable[[], Awaitable[object]]] = MappingProxyType({}),
    ) -> None:
        """`then` is what else is done at every turn, by what the log calls it."""
        self._client, self._ledger, self._city, self._task_queue = client, ledger, city, task_queue
        self._then = then
        self._left_out: set[str] = set()

    @activity.defn(name=KEEP_SWEEPING)
    async def keep_sweeping(self) -> None:
        """Sweep every few seconds until the shift ends.

        Raises ApplicationError when this worker is told to stop, so that another goes on at once.
        """
        end = activity.info().scheduled_time + SHIFT
        while datetime.now(UTC) < end:
            activity.heartbeat()
            await self.sweep_if_possible()
            with suppress(TimeoutError):
                await asyncio.wait_for(activity.wait_for_worker_shutdown(), PAUSE.total_seconds())
                raise ApplicationError(
                    "This worker is told to stop.", type="handing_over", category=ApplicationErrorCategory.BENIGN
                )

    async def sweep_if_possible(self) -> None:
        """Sweep once and do what else there is; what fails is left to the next turn, and keeps nothing else."""
        try:
            await self.sweep()
        except Unreadable as error:
            self._left_out.add(error.case_number)
            log.error("%s: it cannot be started", error)
        except (*LEDGER_ERRORS, RPCError, RuntimeError) as error:
            log.warning("sweep put off: %s", type(error).__name__)
        await asyncio.gather(*(self._try(name, task) for name, task in self._then.items()))

    async def _try(self, name: str, task: Callable[[], Awaitable[object]]) -> None:
        try:
            await task()
        except Exception as error:
            log.warning("%s put off: %s", name, type(error).__name__)

    async def sweep(self) -> int:
        """Start the first cases that were accepted but not started, so many as fit between two heartbeats.

        Returns how many. Raises LEDGER_ERRORS or RPCError when ledger or engine do not answer, and Unreadable.
        """
        async with self._ledger.session() as session:
            left = await unstarted(session, SWEPT_AT_ONCE, before=datetime.now(UTC) - GRACE, but=self._left_out)
        started = sum(await asyncio.gather(*(self._start(row) for row in left)))
        if started:
            log.info("started %d cases that had been accepted but not started", started)
        return started

    async def _start(self, row: CaseRow) -> bool:
        try:
            await start_case(self._client, self._task_queue, self._city, opening(row))
        except NumberTaken:
            self._left_out.add(row.number)
            log.error("case %s cannot start: the engine knows another case of that number", row.number)
            return False
        return True


async def apply_calendar(client: Client, ledger: Ledger, city: City) -> tuple[int, int]:
    """Have every open case count its deadlines under the city's present calendar; returns (reached, not reached).

    A deadline that moves is recorded on its case with the days that moved it. Safe to repeat.
    """
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(row: CaseRow) -> bool:
        async with gate:
            return await _change_calendar(client, city, row)

    reached, missed, after = 0, 0, ""
    unreadable: set[str] = set()
    while True:
        try:
            async with ledger.session() as session:
                rows = await open_cases(session, BATCH, after=after, but=unreadable)
        except Unreadable as error:
            unreadable.add(error.case_number)
            log.error("%s: its deadlines stay as they are", error)
            continue
        if not rows:
            return reached, missed + len(unreadable)
        found = await asyncio.gather(*(one(row) for row in rows))
        reached, missed, after = reached + sum(found), missed + found.count(False), rows[-1].number


async def _change_calendar(client: Client, city: City, row: CaseRow) -> bool:
    calendar = travelling_calendar(city.calendar, row.received_at.date(), datetime.now(UTC).date())
    command = ChangeCalendar(by=Actor(role=Role.SYSTEM, id="calendar"), calendar=calendar)
    try:
        await ask_for_step(client, row.number, command, PATIENCE)
    except (WorkflowUpdateFailedError, NotRunning):
        pass  # closed in the meantime, which needs no calendar any more
    except Unanswered:
        return False
    return True
