"""Starting a case's workflow: at intake, and again by the sweep for what a crash left unstarted."""

from datetime import UTC, date, timedelta
from functools import lru_cache

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from domain.calendar import WorkCalendar
from domain.case import Opening
from domain.city import City
from domain.roles import ENGINE
from domain.steps.dispatch import Dispatch
from domain.story import title
from temporal.keyring import Unopened
from workflows.attributes import at_start
from workflows.names import CASE, CaseInput

CALENDAR_AHEAD = timedelta(days=400)
"""How much calendar travels with a case: further dates are provisional until an arrangement is loaded."""
CALENDAR_BEHIND = timedelta(days=7)
TIMEOUT = timedelta(seconds=5)


RECEIVED_AT = "received_at"
"""Memo by which a case is told from another of the same number."""


class NumberTaken(Exception):
    """The engine knows another case of this number: it has worked with a ledger that this one does not continue."""


@lru_cache(maxsize=16)
def travelling_calendar(calendar: WorkCalendar, received: date, today: date) -> WorkCalendar:
    """The part of the calendar that a case carries with it: from just before its receipt to well past today (UTC)."""
    return calendar.slice(received - CALENDAR_BEHIND, max(received, today) + CALENDAR_AHEAD)


async def start_case(client: Client, task_queue: str, city: City, opening: Opening) -> None:
    """Start the workflow of a case; one that runs or has run is left as it is.

    Raises RPCError when the server does not answer, NumberTaken when the number belongs to another case.
    """
    received = opening.received_at.date()
    item = city.catalog_at(opening.received_at).items.get(opening.item or "")
    start = CaseInput(
        opening=city.complete(opening),
        rulebook=city.rulebook.travelling,
        calendar=travelling_calendar(city.calendar, received, received),
        dispatch=_dispatch(opening, city),
    )
    try:
        await client.start_workflow(
            CASE,
            start,
            id=opening.number,
            task_queue=task_queue,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            memo={RECEIVED_AT: _received_at(opening)},
            search_attributes=at_start(opening),
            static_summary=title(opening, city.rulebook, item.name if item else None),
            rpc_timeout=TIMEOUT,
        )
    except WorkflowAlreadyStartedError:
        await _check_same(client, opening)


def _dispatch(opening: Opening, city: City) -> Dispatch | None:
    if not opening.ordered:
        return None
    lead, *assisting = opening.ordered
    names = {unit: city.units[unit].name for unit in opening.ordered if unit in city.units}
    return Dispatch(by=ENGINE, lead=lead, assisting=tuple(assisting), names=names)


async def _check_same(client: Client, opening: Opening) -> None:
    known = await client.get_workflow_handle(opening.number).describe(rpc_timeout=TIMEOUT)
    try:
        received_at = await known.memo_value(RECEIVED_AT, None)
    except Unopened:  # written with keys that are not ours, and so by another installation
        raise NumberTaken(opening.number) from None
    if received_at != _received_at(opening):
        raise NumberTaken(opening.number)


def _received_at(opening: Opening) -> str:
    return opening.received_at.astimezone(UTC).isoformat()
