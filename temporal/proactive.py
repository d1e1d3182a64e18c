"""Proactive cases and the engine: those that sensors open are started, and told when all is well again."""

import asyncio
import logging
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.service import RPCError

from domain.alerts import Became, Outcome
from domain.city import City
from domain.roles import ENGINE
from domain.steps.recovery import NoteRecovery
from ledger.alert_endings import expire_alerts, free_alerts, mark_told, untold
from ledger.alert_housing import house_alerts
from ledger.cases import get_case, opening
from ledger.database import LEDGER_ERRORS, Ledger
from ledger.errors import Unreadable
from temporal.start import NumberTaken, start_case
from temporal.steps import NotRunning, Unanswered, ask_for_step

log = logging.getLogger("jiesu.proactive")

PATIENCE = timedelta(seconds=5)
SOON = 2.0
"""Seconds that an answer waits for its cases to be started and told, before that is left to the sweep."""
AT_ONCE = 50


async def follow_up(client: Client, ledger: Ledger, city: City, task_queue: str, outcomes: Sequence[Outcome]) -> None:
    """Start the cases that readings opened, and tell those that have recovered.

    All of it is in the ledger already: what does not go well within two seconds is left to the sweep.
    """
    opened = {outcome.case for outcome in outcomes if outcome.opened and outcome.case}
    recovered = {outcome.case for outcome in outcomes if outcome.became is Became.RECOVERED and outcome.case}
    try:
        async with asyncio.timeout(SOON):
            await asyncio.gather(*(_start(client, ledger, city, task_queue, number) for number in opened))
            if recovered:
                await tell_recovered(client, ledger, recovered)
    except (*LEDGER_ERRORS, RPCError, RuntimeError, TimeoutError, NumberTaken, Unreadable) as error:
        log.warning("proactive cases are left to the sweep: %s", type(error).__name__)


async def look_after_alerts(client: Client, ledger: Ledger, city: City) -> None:
    """At every turn of the sweep: end what nothing confirmed, free what a case that closed holds and give it another,
    and tell cases that all has been well for long enough."""
    await ledger.run(expire_alerts, datetime.now(UTC))
    await ledger.run(free_alerts, datetime.now(UTC))
    await ledger.run(house_alerts, city, datetime.now(UTC))
    await tell_recovered(client, ledger)


async def tell_recovered(client: Client, ledger: Ledger, cases: Collection[str] | None = None) -> None:
    """Tell cases (of those given) all of whose alerts have recovered; one that does not answer is told later."""
    waiting = await ledger.run(untold, datetime.now(UTC), AT_ONCE, cases)
    await asyncio.gather(*(_tell(client, ledger, number, at) for number, at in waiting))


async def _start(client: Client, ledger: Ledger, city: City, task_queue: str, number: str) -> None:
    async with ledger.session() as session:
        row = await get_case(session, number)
    assert row is not None, "cases are never deleted"
    await start_case(client, task_queue, city, opening(row))


async def _tell(client: Client, ledger: Ledger, number: str, recovered_at: datetime) -> None:
    try:
        await ask_for_step(client, number, NoteRecovery(by=ENGINE), PATIENCE, f"recovered-{recovered_at.isoformat()}")
    except WorkflowUpdateFailedError:
        pass  # it was closed in the meantime
    except (NotRunning, Unanswered):
        return
    await ledger.run(mark_told, number, recovered_at, datetime.now(UTC))
