"""Starting a case's workflow: at intake, and again by the sweep for what a crash left unstarted."""

from datetime import date, timedelta
from functools import lru_cache

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from domain.calendar import WorkCalendar
from domain.case import Opening
from domain.city import City
from domain.story import title
from workflows.attributes import at_start
from workflows.names import CASE, CaseInput

CALENDAR_AHEAD = timedelta(days=400)
"""How much calendar travels with a case: further dates are provisional until an arrangement is loaded."""
CALENDAR_BEHIND = timedelta(days=7)
TIMEOUT = timedelta(seconds=5)


@lru_cache(maxsize=16)
def travelling_calendar(calendar: WorkCalendar, received: date) -> WorkCalendar:
    """The part of the calendar that a case received on that day (UTC) carries with it."""
    return calendar.slice(received - CALENDAR_BEHIND, received + CALENDAR_AHEAD)


async def start_case(client: Client, task_queue: str, city: City, opening: Opening) -> None:
    """Start the workflow of a case; one that runs or has run is left as it is.

    Raises RPCError when the server does not answer.
    """
    received = opening.received_at.date()
    item = city.catalog.items.get(opening.item or "")
    grid = city.grids.get(opening.grid or "")
    start = CaseInput(
        opening=opening.model_copy(update={"grid_name": grid.name if grid else None}),
        rulebook=city.rulebook.travelling,
        calendar=travelling_calendar(city.calendar, received),
    )
    try:
        await client.start_workflow(
            CASE,
            start,
            id=opening.number,
            task_queue=task_queue,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            search_attributes=at_start(opening),
            static_summary=title(opening, city.rulebook, item.name if item else None),
            rpc_timeout=TIMEOUT,
        )
    except WorkflowAlreadyStartedError:
        return
