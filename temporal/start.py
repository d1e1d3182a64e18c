"""Starting a case's workflow: at intake, and again by the sweep for what a crash left unstarted."""

from datetime import timedelta

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from domain.case import Opening
from domain.city import City
from workflows.attributes import at_start
from workflows.names import CASE, CaseInput

CALENDAR_AHEAD = timedelta(days=400)
"""How much calendar travels with a case: further dates are provisional until an arrangement is loaded."""
CALENDAR_BEHIND = timedelta(days=7)
TIMEOUT = timedelta(seconds=5)


async def start_case(client: Client, task_queue: str, city: City, opening: Opening) -> None:
    """Start the workflow of a case; one that runs or has run is left as it is.

    Raises RPCError when the server does not answer.
    """
    received = opening.received_at.date()
    start = CaseInput(
        opening=opening,
        rulebook=city.rulebook.travelling(),
        calendar=city.calendar.slice(received - CALENDAR_BEHIND, received + CALENDAR_AHEAD),
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
            static_summary=start.title,
            rpc_timeout=TIMEOUT,
        )
    except WorkflowAlreadyStartedError:
        return
