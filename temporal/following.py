"""What following an order asks of the engine: to begin, and the steps that a unit takes in its own system."""

from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError

from domain.command import Command
from domain.effects import Effect
from domain.roles import ENGINE, Actor
from domain.steps import PEOPLE_STEPS
from domain.steps.upkeep import ReportFailure
from ledger.cases import get_case
from ledger.database import Ledger
from ledger.errors import CaseErased
from ledger.notes import put_note
from temporal.steps import NotRunning, Unanswered, ask_for_step
from workflows.names import FOLLOW, Followed

PATIENCE = timedelta(seconds=10)


class TemporalEngine:
    """The engine as seen by who follows orders, by a client of Temporal."""

    def __init__(self, client: Client, ledger: Ledger, task_queue: str) -> None:
        self._client, self._ledger, self._task_queue = client, ledger, task_queue

    async def begin(self, order: Effect, queue: str) -> None:
        """Have an order followed, on the task queue of its unit's system. Safe to repeat. Raises RPCError."""
        try:
            await self._client.start_workflow(
                FOLLOW,
                Followed(order=order, queue=queue),
                id=f"{order.case}/{order.unit}/{order.event}",
                task_queue=self._task_queue,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                static_summary=f"跟踪承办单位办理情况：{order.case}",
                rpc_timeout=PATIENCE,
            )
        except WorkflowAlreadyStartedError:
            return

    async def take(self, actor: Actor, step: str, number: str, key: str, text: str | None = None) -> bool:
        """Take a step in a unit's name; False when a rule stands against it, or the case is closed.

        The same key and text again are harmless. Raises ApplicationError when engine or workers do not answer.
        """
        async with self._ledger.session() as session:
            case = await get_case(session, number)
            assert case is not None, "cases are never deleted"
            # Salted: from the id, which stays, nobody shall guess a text that has been erased.
            id = uuid5(NAMESPACE_URL, f"{number}:{key}:{case.salt}:{text}").hex
            note = None
            if text:
                note = f"n-{id}"
                try:
                    await put_note(session, note, number, actor, text, datetime.now(UTC))
                except CaseErased:
                    return False
        return await self._update(number, PEOPLE_STEPS[step](by=actor, note=note), id)

    async def report(self, order: Effect, error: str) -> None:
        """Put on record that people must see to an order. Raises ApplicationError when the engine does not answer."""
        failure = ReportFailure(by=ENGINE, effect=order.key, party=order.party, unit=order.unit, error=error)
        await self._update(order.case, failure, f"{order.key}:{error}")

    async def _update(self, number: str, command: Command, id: str) -> bool:
        try:
            await ask_for_step(self._client, number, command, PATIENCE, id)
        except (WorkflowUpdateFailedError, NotRunning):
            return False
        except Unanswered:
            raise ApplicationError("The engine did not answer", type="unanswered") from None
        return True
